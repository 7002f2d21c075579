//! PostgreSQL, both ways.

use crate::postgres_support::{Server, server};
use crate::{COLUMNS, Folder, PEOPLE, converts, fails};

/// A URL of the test's own schema, by parts of a URI, and by words.
fn addresses(server: &Server, schema: &str) -> [String; 2] {
    let words = server.schema(schema);
    let options = format!("options=-c search_path%3D{schema}");
    let uri = format!("postgresql://trommel@127.0.0.1:{}/trommel?{options}", server.port);
    [uri, format!("postgres:{words}?application_name=tests")]
}

#[test]
fn every_format_goes_into_a_table_and_back() {
    let Some(server) = server() else { return };
    let folder = Folder::new();
    folder.write("people.csv", PEOPLE);
    let [uri, words] = addresses(server, "capi_formats");
    for (scheme, settings) in
        [("csv", ""), ("ndjson", ""), ("parquet", ""), ("arrow", ""), ("sqlite", "?table=people")]
    {
        let from = folder.url(scheme, &format!("in.{scheme}")) + settings;
        converts(&folder.url("csv", "people.csv"), &from, COLUMNS);
        let table = format!("{uri}&table={scheme}_people&key=id");
        let said = converts(&from, &table, COLUMNS);
        assert_eq!(said, "3 read, 3 loaded, 0 rejected\n", "{scheme} into postgres");
        let types = server.sql(
            "trommel",
            &format!(
                "SELECT string_agg(data_type, ', ' ORDER BY ordinal_position) FROM \
                 information_schema.columns WHERE table_schema = 'capi_formats' \
                 AND table_name = '{scheme}_people'"
            ),
        );
        assert_eq!(types, ["bigint, double precision, boolean, text"]);
        let into = folder.url(scheme, &format!("out.{scheme}")) + settings;
        let rows = format!("{words}&query=SELECT * FROM {scheme}_people ORDER BY id");
        let said = converts(&rows, &into, &[]);
        assert_eq!(said, "3 read, 3 loaded, 0 rejected\n", "postgres into {scheme}");
        converts(&into, &folder.url("csv", "back.csv"), COLUMNS);
        assert_eq!(folder.read("back.csv"), PEOPLE, "through {scheme}");
    }
}

#[test]
fn types_of_the_server_are_read_as_text_and_written_from_it() {
    let Some(server) = server() else { return };
    let folder = Folder::new();
    let [uri, _] = addresses(server, "capi_types");
    folder.write(
        "in.csv",
        "n,d,t,u\n12.340,2026-11-22,2026-11-22 01:02:03+00,123e4567-e89b-12d3-a456-426614174000\n",
    );
    let columns = ["n=n:NUMERIC(8,3)", "d=d:DATE", "t=t:TIMESTAMPTZ", "u=u:UUID NOT NULL"];
    converts(&folder.url("csv", "in.csv"), &format!("{uri}&table=typed"), &columns);
    converts(&format!("{uri}&table=typed"), &folder.url("csv", "out.csv"), &[]);
    let out = folder.read("out.csv");
    assert!(out.starts_with("n,d,t,u\n12.340,2026-11-22,2026-11-22"), "{out}");
    assert!(out.ends_with("123e4567-e89b-12d3-a456-426614174000\n"), "{out}");
}

#[test]
fn modes_jobs_and_rejects_work_with_tables() {
    let Some(server) = server() else { return };
    let folder = Folder::new();
    let [uri, _] = addresses(server, "capi_jobs");
    let rows: String = (0..5_000).map(|id| format!("{id}\n")).collect();
    folder.write("in.csv", format!("id\n{rows}"));
    let from = folder.url("csv", "in.csv");
    let id = "id=id:BIGINT PRIMARY KEY";
    let into = format!("{uri}&table=t&commit_rows=500");
    converts(&from, &into, &[id, "--job=load"]);
    converts(&from, &into, &[id, "--job=load"]);
    assert_eq!(server.number("SELECT count(*) FROM capi_jobs.t"), 5_000);
    converts(&from, &format!("{into}&mode=upsert&key=id"), &[id]);
    assert_eq!(server.number("SELECT count(*) FROM capi_jobs.t"), 5_000);
    let message = fails(&from, &into, &[id]);
    assert!(message.contains("duplicate key"), "{message}");
    let said = converts(&from, &into, &[id, "--rejects-with-data"]);
    assert_eq!(said, "5000 read, 0 loaded, 5000 rejected\n");
    // A query with a key is a source of a job, one without is not.
    let query = format!("{uri}&query=SELECT id FROM t");
    let out = folder.url("csv", "out.csv");
    assert!(fails(&query, &out, &["--job=j"]).contains("its source has no positions"));
    converts(&format!("{query}&key=id"), &out, &["--job=j"]);
    assert_eq!(folder.read("out.csv"), folder.read("in.csv"));
    // Types that nobody has declared are those of the values.
    let database = folder.url("sqlite", "t.db") + "?table=t";
    converts(&from, &database, &["id=id:INTEGER"]);
    converts(&database, &format!("{uri}&table=undeclared"), &[]);
    assert_eq!(server.number("SELECT max(id) FROM capi_jobs.undeclared"), 4_999);
}
