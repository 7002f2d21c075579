//! Files of each format into files of each other.

use crate::{COLUMNS, Folder, PEOPLE, command, converts, fails};
use std::io::Write as _;
use std::process::Stdio;

/// The URL of a file of each format, both as a sink and as a source.
const FORMATS: &[(&str, &str)] =
    &[("csv", ""), ("ndjson", ""), ("parquet", ""), ("arrow", ""), ("sqlite", "?table=people")];

#[test]
fn every_format_goes_into_every_other_and_back() {
    let folder = Folder::new();
    folder.write("people.csv", PEOPLE);
    for (first, first_settings) in FORMATS {
        let middle = folder.url(first, &format!("first.{first}")) + first_settings;
        let said = converts(&folder.url("csv", "people.csv"), &middle, COLUMNS);
        assert_eq!(said, "3 read, 3 loaded, 0 rejected\n", "csv into {first}");
        for (second, settings) in FORMATS {
            let name = format!("{first}.{second}");
            let end = folder.url(second, &name) + settings;
            let said = converts(&middle, &end, COLUMNS);
            assert_eq!(said, "3 read, 3 loaded, 0 rejected\n", "{first} into {second}");
            let back = format!("{first}-{second}.csv");
            converts(&end, &folder.url("csv", &back), COLUMNS);
            assert_eq!(folder.read(&back), PEOPLE, "through {first} and {second}");
        }
    }
}

#[test]
fn standard_input_is_a_source_of_every_format_of_text() {
    let folder = Folder::new();
    folder.write("people.csv", PEOPLE);
    converts(&folder.url("csv", "people.csv"), &folder.url("ndjson", "people.ndjson"), COLUMNS);
    for format in ["csv", "ndjson"] {
        let out = folder.url("csv", "out.csv");
        let mut child = command(&format!("{format}:-"), &out, COLUMNS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(folder.read(&format!("people.{format}")).as_bytes()).unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{format}: {}", output.status);
        assert_eq!(output.stdout, b"3 read, 3 loaded, 0 rejected\n", "{format}");
        assert_eq!(folder.read("out.csv"), PEOPLE, "{format}");
    }
}

#[test]
fn without_a_column_named_all_come_in_the_types_of_their_source() {
    let folder = Folder::new();
    folder.write("people.csv", PEOPLE);
    converts(&folder.url("csv", "people.csv"), &folder.url("parquet", "people.parquet"), COLUMNS);
    let lines = "{\"id\":1,\"height\":1.75,\"active\":true,\"name\":\"Anna\"}\n\
                 {\"id\":2,\"height\":null,\"active\":false,\"name\":\"Bo \\\"the\\\" second, of his name\"}\n\
                 {\"id\":9007199254740993,\"height\":-0.5,\"active\":null,\"name\":\"Zoë\\nof two lines\"}\n";
    converts(&folder.url("parquet", "people.parquet"), &folder.url("ndjson", "a.ndjson"), &[]);
    assert_eq!(folder.read("a.ndjson"), lines, "from parquet");
    converts(&folder.url("parquet", "people.parquet"), &folder.url("arrow", "a.arrow"), &[]);
    converts(&folder.url("arrow", "a.arrow"), &folder.url("ndjson", "b.ndjson"), &[]);
    assert_eq!(folder.read("b.ndjson"), lines, "from arrow");
    // SQLite has no truth values.
    let database = folder.url("sqlite", "a.db") + "?table=people";
    converts(&folder.url("parquet", "people.parquet"), &database, &[]);
    converts(&database, &folder.url("ndjson", "c.ndjson"), &[]);
    let numbers = lines.replace("true", "1").replace("false", "0");
    assert_eq!(folder.read("c.ndjson"), numbers, "from sqlite");
    // Values tell the types of columns that have none.
    converts(&database, &folder.url("parquet", "b.parquet"), &[]);
    converts(&folder.url("parquet", "b.parquet"), &folder.url("ndjson", "d.ndjson"), &[]);
    assert_eq!(folder.read("d.ndjson"), numbers, "from sqlite through parquet");
    // CSV knows texts only.
    converts(&folder.url("csv", "people.csv"), &folder.url("ndjson", "e.ndjson"), &[]);
    assert!(folder.read("e.ndjson").starts_with("{\"id\":\"1\",\"height\":\"1.75\","));
}

#[test]
fn columns_are_chosen_renamed_and_asked_for_by_path() {
    let folder = Folder::new();
    folder.write(
        "in.ndjson",
        "{\"id\":7,\"home\":{\"city\":\"Os\\u006co\",\"phones\":[1,2]},\"tags\":[\"a\",{\"b\":1}]}\n\
         {\"id\":\"8\",\"home\":null}\n",
    );
    let columns =
        &["id=number:TEXT", "home.city=city", "home.phones[1]=phone:INTEGER", "tags=t:TEXT"];
    converts(&folder.url("ndjson", "in.ndjson"), &folder.url("csv", "out.csv"), columns);
    let expected = "number,city,phone,t\n7,Oslo,2,\"[\"\"a\"\",{\"\"b\"\":1}]\"\n8,,,\n";
    assert_eq!(folder.read("out.csv"), expected);
    // By place, twice, and in another order.
    let columns = &["#2=p", "city=c", "city=d"];
    converts(&folder.url("csv", "out.csv"), &folder.url("ndjson", "out.ndjson"), columns);
    let expected =
        "{\"p\":\"2\",\"c\":\"Oslo\",\"d\":\"Oslo\"}\n{\"p\":null,\"c\":null,\"d\":null}\n";
    assert_eq!(folder.read("out.ndjson"), expected);
}

#[test]
fn lines_compressed_files_directories_and_patterns_are_read() {
    let folder = Folder::new();
    std::fs::create_dir(folder.at("many")).unwrap();
    for (name, rows) in [("a", "1\n2\n"), ("b", "3\n")] {
        let text = folder.write(&format!("{name}.csv"), format!("id\n{rows}"));
        // Written by this library, read by it.
        converts(&format!("csv:{text}"), &folder.url("csv", &format!("many/{name}.csv.zst")), &[]);
        converts(&format!("csv:{text}"), &folder.url("csv", &format!("many/{name}.csv.gz")), &[]);
    }
    let zstd = folder.read_bytes("many/a.csv.zst");
    assert_eq!(&zstd[..4], [0x28, 0xb5, 0x2f, 0xfd], "a zstd frame");
    let all = converts(&folder.url("csv", "many"), &folder.url("csv", "all.csv"), &[]);
    assert_eq!(all, "6 read, 6 loaded, 0 rejected\n");
    converts(&folder.url("csv", "many/*.gz"), &folder.url("csv", "some.csv"), &["id"]);
    assert_eq!(folder.read("some.csv"), "id\n1\n2\n3\n");
    // A file that is there is meant as it is.
    folder.write("[ab].csv", "id\n9\n");
    converts(&folder.url("csv", "[ab].csv"), &folder.url("csv", "odd.csv"), &[]);
    assert_eq!(folder.read("odd.csv"), "id\n9\n");
    converts(
        &folder.url("lines", "many/?.csv.gz").replace('?', "%3F"),
        &folder.url("ndjson", "l"),
        &[],
    );
    assert_eq!(folder.read("l").lines().count(), 5);
    assert!(folder.read("l").starts_with("{\"line\":\"id\"}\n{\"line\":\"1\"}\n"));
}

#[test]
fn dates_and_decimals_of_columnar_files_are_text_elsewhere() {
    let folder = Folder::new();
    folder.write("in.csv", "price,day\n12.50,2026-11-22\n-0.05,\n");
    let columns = &["price=price:DECIMAL(10,2)", "day"];
    converts(&folder.url("csv", "in.csv"), &folder.url("parquet", "a.parquet"), columns);
    converts(&folder.url("parquet", "a.parquet"), &folder.url("csv", "out.csv"), &[]);
    assert_eq!(folder.read("out.csv"), "price,day\n12.50,2026-11-22\n-0.05,\n");
}

/// They come back in another form than they were written in: what lies between is no text.
#[test]
fn texts_become_dates_and_timestamps_of_columnar_files() {
    let folder = Folder::new();
    let columns =
        &["day=day:DATE", "at=at:TIMESTAMP(3) NOT NULL", "here=here:TIMESTAMP WITH TIME ZONE"];
    folder.write(
        "in.csv",
        "day,at,here\n\
         2026-11-22,2026-11-22T12:34:56.5,2026-11-22 01:00:00+02\n\
         ,1969-12-31 23:59,\n\
         2026-02-29,1970-01-01 00:00:00,\n\
         2026-02-28,1970-01-01 00:00:00Z,\n",
    );
    let rows = "2026-11-22,2026-11-22 12:34:56.5,2026-11-21 23:00:00\n,1969-12-31 23:59:00,\n";
    for format in ["parquet", "arrow"] {
        let middle = folder.url(format, &format!("a.{format}"));
        let into = [columns as &[_], &["--skip=2"]].concat();
        let said = converts(&folder.url("csv", "in.csv"), &middle, &into);
        assert_eq!(said, "4 read, 2 loaded, 2 rejected\n", "{format}");
        converts(&middle, &folder.url("csv", "out.csv"), &[]);
        assert_eq!(folder.read("out.csv"), format!("day,at,here\n{rows}"), "{format}");
        let message = fails(&folder.url("csv", "in.csv"), &middle, columns);
        assert!(message.contains("`2026-02-29` is not a date"), "{format}: {message}");
    }
}

#[test]
fn settings_of_files_are_obeyed() {
    let folder = Folder::new();
    let input = folder.write("in.csv", "a;b\n1;x\n2;\n3;y\n");
    let from = format!("csv:{input}?delimiter=;");
    let into = folder.url("csv", "out.tsv");
    let settings =
        &["--sink.delimiter=\\t", "--sink.quotes=always", "--sink.null=NA", "--sink.crlf=true"];
    converts(&from, &into, settings);
    assert_eq!(
        folder.read("out.tsv"),
        "\"a\"\t\"b\"\r\n\"1\"\t\"x\"\r\n\"2\"\tNA\r\n\"3\"\t\"y\"\r\n"
    );
    converts(&from, &folder.url("ndjson", "r.ndjson"), &["--sink.roll_rows=2"]);
    assert_eq!(folder.read("r-00000.ndjson").lines().count(), 2);
    assert_eq!(folder.read("r-00001.ndjson").lines().count(), 1);
    converts(&from, &folder.url("ndjson", "s.ndjson"), &[]);
    converts(&from, &folder.url("ndjson", "s.ndjson"), &["--sink.existing=append"]);
    assert_eq!(folder.read("s.ndjson").lines().count(), 6);
}
