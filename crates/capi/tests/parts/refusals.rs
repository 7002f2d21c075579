//! What can't be: said clearly, and before anything is written.

use crate::{Folder, PEOPLE, converts, fails};

#[test]
fn unknown_schemes_and_settings_are_named_with_those_that_are_known() {
    let folder = Folder::new();
    let input = format!("csv:{}", folder.write("people.csv", PEOPLE));
    let output = folder.url("csv", "out.csv");
    for (from, into, said) in [
        (
            "xml:a",
            &*output,
            "`xml:`: there is no such scheme; sources are csv, ndjson, lines, parquet, arrow, sqlite, postgresql, postgres",
        ),
        (&*input, "xml:a", "sinks are csv, ndjson, parquet, arrow, sqlite, postgresql, postgres"),
        (&*input, "lines:a", "no sink `lines:`: that goes the other way only"),
        ("https://host/a.csv", &*output, "say what comes over it, as in csv:https:…"),
        (
            &format!("{input}?delimeter=x"),
            &*output,
            "delimeter: no such setting of csv:; there are delimiter, quote",
        ),
        (
            &*input,
            &format!("{output}?nul=NA"),
            "nul: no such setting of csv:; there are compression, existing",
        ),
        (&*input, "sqlite:x.db", "table: name it"),
        (&*input, "parquet:x?compression=rar", "compression: `rar` is not none, snappy or zstd"),
        ("arrow:x?a=b", &*output, "a: no such setting of arrow:; it has none"),
        ("sqlite:x.db", &*output, "query: give a query or a table"),
        ("csv:tcp:127.0.0.1:1?listn=true", &*output, "listn: no such setting"),
        ("csv:https://127.0.0.1:1/x?headr=a", &*output, "headr: no such setting"),
        ("postgresql://h/d?table=t&sslmod=x", &*output, "sslmod: no such setting"),
    ] {
        let message = fails(from, into, &[]);
        assert!(message.contains(said), "{from} into {into}: {message}");
    }
    assert!(!std::path::Path::new(&folder.at("out.csv")).exists());
}

#[test]
fn a_password_is_in_no_message() {
    let into = "sqlite:x.db?table=t";
    for from in [
        "postgresql://me:sekret@127.0.0.1:1/db?table=t",
        "postgresql:host=127.0.0.1 port=1 password=sekret?table=t",
        "postgresql://me:sekret@127.0.0.1:1/db?table",
    ] {
        let message = fails(from, into, &[]);
        assert!(!message.contains("sekret"), "{message}");
    }
}

#[test]
fn columns_that_are_missing_or_of_no_use_are_named() {
    let folder = Folder::new();
    folder.write("people.csv", PEOPLE);
    let output = folder.url("csv", "out.csv");
    let says = |from: &str, columns: &[&str], said: &str| {
        let message = fails(from, &output, columns);
        assert!(message.contains(said), "{from}, {columns:?}: {message}");
    };
    let csv = folder.url("csv", "people.csv");
    says(&csv, &["nme"], "people.csv; did you mean `name`? columns are: id, height, active, name");
    says("csv:", &[], "the source `csv:` names no file: write csv:PATH, or set `source.path`");
    let message = fails(&csv, "sqlite:?table=t", &[]);
    assert!(message.contains("the sink `sqlite:` names no file"), "{message}");
    folder.write("semicolons.csv", "id;name\n1;a\n");
    let semicolons = folder.url("csv", "semicolons.csv");
    says(&semicolons, &[], "is one name, `id;name`: set it to `;`");
    converts(&(semicolons + "?delimiter=,"), &output, &[]);
    let table = folder.url("sqlite", "a.db") + "?table=t&mode=upsert";
    let message = fails(&csv, &table, &[]);
    assert!(message.contains("name the key columns (`key`)"), "{message}");
    says(&csv, &["id=id:HOLY"], "`HOLY` is unknown");
    folder.write("a.ndjson", "{\"id\":1}\n");
    says(&folder.url("ndjson", "a.ndjson"), &[], "say which keys are read");
    let message = fails(&csv, &folder.url("parquet", "x.parquet"), &["name=at:TIME"]);
    assert!(message.contains("declare the column TEXT"), "{message}");
}

#[test]
fn bad_rows_stop_the_run_or_are_skipped_or_written_or_kept() {
    let folder = Folder::new();
    let rows = "id,name\n1,a\nx,b\n3,c\ny,d\n";
    folder.write("in.csv", rows);
    folder.write("in.ndjson", "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":3}\n{\"id\":1.5}\n");
    converts(&folder.url("csv", "in.csv"), &folder.url("parquet", "in.parquet"), &[]);
    for (source, place) in [("csv", "in.csv, line 3"), ("ndjson", "in.ndjson, line 2")] {
        let from = folder.url(source, &format!("in.{source}"));
        for sink in ["csv", "ndjson", "parquet", "arrow", "sqlite"] {
            let file = format!("{source}.{sink}");
            let into = match sink {
                "sqlite" => folder.url(sink, &file) + "?table=t",
                _ => folder.url(sink, &file),
            };
            let pair = format!("{source} into {sink}");
            let id = "id=id:INTEGER";
            let message = fails(&from, &into, &[id]);
            assert!(message.contains("id"), "{pair}: {message}");
            assert_eq!(converts(&from, &into, &[id, "--skip=5"]), "4 read, 2 loaded, 2 rejected\n");
            assert!(fails(&from, &into, &[id, "--skip=1"]).contains("1"), "{pair}");
            let letters = format!("--rejects={}", folder.at(&format!("{file}.rejects")));
            assert_eq!(converts(&from, &into, &[id, &letters]), "4 read, 2 loaded, 2 rejected\n");
            let rejects = folder.read(&format!("{file}.rejects"));
            assert_eq!(rejects.lines().count(), 2, "{pair}: {rejects}");
            let with_data = [id, "--rejects-with-data"];
            match sink {
                "csv" | "ndjson" | "parquet" | "sqlite" => {
                    assert_eq!(
                        converts(&from, &into, &with_data),
                        "4 read, 2 loaded, 2 rejected\n"
                    );
                }
                _ => assert!(fails(&from, &into, &with_data).contains("no place for rejects")),
            }
        }
        let message = fails(&from, &folder.url("csv", "x.csv"), &["id=id:INTEGER"]);
        let (file, line) = place.split_once(", ").unwrap();
        assert!(message.contains(file) && message.contains(line), "{message}");
    }
    // A second run begins the file anew.
    let letters = format!("--rejects={}", folder.at("csv.csv.rejects"));
    let (from, into) = (folder.url("csv", "in.csv"), folder.url("csv", "csv.csv"));
    converts(&from, &into, &["id=id:INTEGER", &letters]);
    assert_eq!(folder.read("csv.csv.rejects").lines().count(), 2);
}

/// Symptom: rows of `name,id` were appended to a file of `id,name`, and nothing was said.
/// Cause: only the header of the file was looked at; rows from C have no names, so only their width was
/// compared.
/// Fix: the names that a sink was given must be those of the file that it adds to.
#[test]
fn rows_are_not_added_to_a_file_of_other_columns() {
    let folder = Folder::new();
    folder.write("in.csv", "name,id\ny,2\n");
    let (from, into) = (folder.url("csv", "in.csv"), folder.url("csv", "ap.csv?existing=append"));
    folder.write("ap.csv", "id,name\n1,x\n");
    let message = fails(&from, &into, &[]);
    assert!(message.contains("ap.csv has `id`, `name`, and rows of `name`, `id`"), "{message}");
    assert_eq!(folder.read("ap.csv"), "id,name\n1,x\n");
    converts(&from, &into, &["id", "name"]);
    assert_eq!(folder.read("ap.csv"), "id,name\n1,x\n2,y\n");
}
