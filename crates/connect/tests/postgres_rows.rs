//! Rows of CSV files that are emitted as they are, into real tables.
#![cfg(all(feature = "csv", any(feature = "postgres", feature = "postgres-system")))]

mod postgres_support;

use postgres_support::says;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use trommel::{
    Engine, Error, ErrorKind, Options, Out, Pipeline, Reject, RejectPolicy, Result, RunReport,
};
use trommel_connect::csv::{self, Row, Trim};
use trommel_connect::postgres::{self, Sink};

/// Columns whose order is not the table's, and fields of all sorts. What is bad says so.
const TEXT: &[u8] = b"note,id,size,at,big,flag,name\n\
    plain,1,1.5,2013-01-01T05:00:00Z,9000000000,true,short\n\
    \"quoted, too\",2,-0,2013-01-01 05:00:00,-1,f,\"say \"\"hi\"\"\"\n\
    ,3,NA,,NA,,NA\n\
    NA,NA,NA,NA,NA,NA,NA\n\
    padded, 5 ,  2.5 , 2013-01-01T05:00:00Z , 17 , yes , kept as it is \n\
    twelve bytes,6,inf,2013-01-01T05:00:00+02,007,1,more than twelve bytes of text\n\
    gr\xc3\xbc\xc3\x9fe,+7,1e3,infinity,-9223372036854775808,0,\xf0\x9f\x8e\x89\n\
    bad,2147483648,0,,0,t,too large an integer\n\
    bad,eight,0,,0,t,no integer\n\
    bad,10,0,2013-13-01,0,t,no month\n\
    bad,11,0,,0,maybe,no boolean\n\
    bad,12,0,,0,t,a NUL\0 byte\n\
    bad,13,0,,0,t,no t\xebxt\n\
    0,0,0,,0,0,0\n\
    12345678,12345678,0,,123456789,1,\n\
    \"\",-16,\"3.25\",\"2013-01-01T05:00:00Z\",\"-5\",\"on\",\"\"\n\
    last,17,1,,1,t,x";

const TABLE: &str =
    "(name text, id int, size float8, at timestamptz, big int8, flag bool, note text";

/// A way to read the text, and its name.
type Setting = (&'static str, fn() -> csv::Builder);

fn settings() -> [Setting; 5] {
    [
        ("usual", || csv::Source::builder().nulls(["", "NA"])),
        ("numbers are nulls", || csv::Source::builder().nulls(["NA", "0", "17"])),
        ("no nulls", || csv::Source::builder().nulls([""; 0])),
        ("trimmed", || csv::Source::builder().nulls(["", "NA"]).trim(Trim::Fields)),
        ("no quotes", || csv::Source::builder().nulls(["", "NA"]).quoting(false).flexible(true)),
    ]
}

type Bad = Vec<(u64, Option<String>, String)>;

/// Loads the source, and answers which rows were refused, where and why.
fn load<F>(
    source: csv::Source,
    batch: usize,
    table: postgres::Table<()>,
    transform: F,
) -> (Result<RunReport>, Bad)
where
    F: for<'a> Fn(Row<'a>, &mut Out<'a, postgres::Table<()>>) -> Result<()> + Sync,
{
    let found = Arc::new(Mutex::new(Bad::new()));
    let keep = Arc::clone(&found);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            let Reject { record, column, reason, .. } = reject;
            keep.lock().unwrap().push((
                record.unwrap(),
                column.as_deref().map(str::to_owned),
                reason.clone(),
            ));
            Ok(())
        },
        100,
    );
    let report = Pipeline::from(source)
        .options(Options::builder().fixed_batch_size(batch).on_reject(policy).build().unwrap())
        .transform(transform)
        .load_into(table)
        .run(&Engine::new().unwrap());
    let found = std::mem::take(&mut *found.lock().unwrap());
    (report, found)
}

fn table(conninfo: &str, name: &str) -> postgres::Table<()> {
    Sink::connect(conninfo).unwrap().table(name)
}

/// The row as a record of texts, which says what a row that is emitted as it is has to become.
fn texts<'a>(row: Row<'a>) -> Result<BTreeMap<&'static str, Option<&'a str>>> {
    if row.len() != 7 {
        let fields = row.len();
        return Err(Error::row(format!("the row has {fields} fields where the header names 7")));
    }
    // In the file's order, so that the first bad field is the same one.
    let names = ["note", "id", "size", "at", "big", "flag", "name"];
    names.into_iter().map(|name| Ok((name, row.get(name)?))).collect()
}

#[test]
fn rows_are_stored_as_records_of_texts_are() {
    let server = server_or_return!();
    for (form, more) in [("binary", ")"), ("text", ", place point)")] {
        for (setting, builder) in settings() {
            for batch in [1, 7, 4096] {
                let label = format!("{form}, {setting}, batches of {batch}");
                let conninfo = server.schema("rows");
                for table in ["passed", "meant"] {
                    server.sql("trommel", &format!("CREATE TABLE rows.{table} {TABLE}{more}"));
                }
                let source = || builder().from_reader("rows.csv", TEXT).unwrap();
                let (passed, bad) =
                    load(source(), batch, table(&conninfo, "passed"), |row, out| out.emit(row));
                let (meant, meant_bad) =
                    load(source(), batch, table(&conninfo, "meant"), |row, out| {
                        out.emit(texts(row)?)
                    });
                let (passed, meant) = (passed.unwrap().counts, meant.unwrap().counts);
                assert_eq!(passed, meant, "{label}");
                assert!(meant.loaded > 0 && meant.rejected > 0, "{label}");
                let records = |bad: &Bad| bad.iter().map(|bad| bad.0).collect::<Vec<_>>();
                assert_eq!(records(&bad), records(&meant_bad), "{label}");
                if form == "binary" {
                    for (bad, meant) in bad.iter().zip(&meant_bad) {
                        // Of two bad fields any may be the one that is named.
                        assert_eq!(
                            bad.1.is_some(),
                            meant.1.is_some(),
                            "{label}: {bad:?} {meant:?}"
                        );
                    }
                }
                let rows = |table: &str| {
                    server.sql(
                        "trommel",
                        &format!(
                            "SELECT name, id, size, at, big, flag, note, length(name) \
                             FROM rows.{table} ORDER BY id, note, name"
                        ),
                    )
                };
                assert_eq!(rows("passed"), rows("meant"), "{label}");
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_field_is_said_with_its_column() {
    let server = server_or_return!();
    let conninfo = server.schema("wrong");
    server.sql("trommel", &format!("CREATE TABLE wrong.t {TABLE})"));
    let source = csv::Source::builder().nulls(["", "NA"]).from_reader("rows.csv", TEXT).unwrap();
    let (report, bad) = load(source, 4096, table(&conninfo, "t"), |row, out| out.emit(row));
    assert_eq!(report.unwrap().counts.rejected, 6);
    for (bad, (column, part)) in bad.iter().zip([
        ("id", "`2147483648` doesn't fit the type integer"),
        ("id", "`eight` doesn't fit the type integer"),
        ("at", "`2013-13-01` doesn't fit the type timestamp with time zone"),
        ("flag", "`maybe` doesn't fit the type boolean"),
        ("name", "NUL byte"),
        ("name", "not valid UTF-8"),
    ]) {
        assert_eq!(bad.1.as_deref(), Some(column), "{bad:?}");
        assert!(bad.2.contains(part), "{bad:?}");
    }
}

#[derive(Serialize)]
struct Speed<'a> {
    speed: Option<f64>,
    id: &'a str,
}

#[test]
fn fields_behind_a_row_go_to_columns_of_their_own() {
    let server = server_or_return!();
    let conninfo = server.schema("beside");
    let text = "miles,minutes,carrier\n100,15,UA\n300,NA,B6\nfew,1,AA\n90,0x,AA\n60,60,\"D,L\"\n";
    let run = |table: postgres::Table<()>| {
        let source = csv::Source::builder().nulls(["NA"]).from_reader("f.csv", text.as_bytes());
        load(source.unwrap(), 2, table, |row, out| {
            let minutes: Option<f64> = row.get("minutes").or(Ok::<_, Error>(None))?;
            let miles: f64 = row.get("miles")?;
            let id = format!("{}{}", row.str("carrier")?, row.record());
            out.emit(row.with(Speed { speed: minutes.map(|minutes| miles / minutes), id: &id }))
        })
    };
    let rows = |table: &str| {
        server.sql(
            "trommel",
            &format!("SELECT id, carrier, miles, minutes, speed FROM beside.{table} ORDER BY id"),
        )
    };
    // A table that is there, one that is declared, and one that is learnt from its first page.
    server.sql(
        "trommel",
        "CREATE TABLE beside.there (id text PRIMARY KEY, speed float8, minutes int, miles int, carrier text)",
    );
    let declared = ["miles", "minutes", "carrier"].into_iter().zip(["int", "int", "text"]);
    let declared =
        declared.fold(table(&conninfo, "declared"), |table, (name, kind)| table.column(name, kind));
    for (name, table) in [
        ("there", table(&conninfo, "there")),
        ("declared", declared.column("speed", "float8").column("id", "text")),
    ] {
        let (report, bad) = run(table);
        assert_eq!(report.unwrap().counts.loaded, 3, "{name}");
        let columns: Vec<_> = bad.iter().map(|bad| bad.1.as_deref()).collect();
        assert_eq!(columns, [Some("miles"), Some("minutes")], "{name}");
        assert_eq!(
            rows(name),
            ["B61|B6|300|NULL|NULL", "D,L4|D,L|60|60|1", "UA0|UA|100|15|6.666666666666667"],
            "{name}"
        );
    }
    let (report, _) = run(table(&conninfo, "learnt"));
    // Its columns are texts, which take any.
    assert_eq!(report.unwrap().counts.loaded, 4);
    assert_eq!(rows("learnt")[0], "AA3|AA|90|0x|NULL");
}

#[test]
fn rows_that_fit_no_table_are_told_so() {
    let server = server_or_return!();
    let conninfo = server.schema("unfit");
    server.sql("trommel", "CREATE TABLE unfit.t (a int, b text)");
    let run = |builder: csv::Builder, text: &'static str| {
        let source = builder.from_reader("rows.csv", text.as_bytes()).unwrap();
        load(source, 7, table(&conninfo, "t"), |row, out| out.emit(row))
    };
    let builder = csv::Source::builder;
    let (unknown, _) = run(builder(), "c,a,d\n1,2,3\n");
    let parts = ["sink: ", "no column \"c\", \"d\" that", "its columns are \"a\", \"b\""];
    says(unknown, ErrorKind::Config, &parts);
    let (with, _) = load(
        builder().from_reader("rows.csv", &b"a,c\n1,2\n"[..]).unwrap(),
        7,
        table(&conninfo, "t"),
        |row, out| out.emit(row.with(Speed { speed: None, id: "x" })),
    );
    says(with, ErrorKind::Config, &["sink: ", "no column \"c\", \"speed\", \"id\" that"]);
    let (twice, _) = run(builder(), "a,A\n1,2\n");
    says(twice, ErrorKind::Config, &["two fields", "`a`"]);
    let (wide, _) = run(builder().has_headers(false), "1,2,3\n");
    says(wide, ErrorKind::Config, &["more than the 2 columns"]);
    let (tuple, _) = load(
        builder().from_reader("rows.csv", &b"a\n1\n"[..]).unwrap(),
        7,
        table(&conninfo, "t"),
        |row, out| out.emit(row.with(("text",))),
    );
    says(tuple, ErrorKind::Config, &["need names"]);
    assert_eq!(server.number("SELECT count(*) FROM unfit.t"), 0);

    // Without a header by place, also in another order; rows of other lengths are rejects.
    let (report, _) = run(builder().has_headers(false), "1,one\n2,two\n");
    assert_eq!(report.unwrap().counts.loaded, 2);
    let (report, bad) = run(builder().flexible(true), "b,a\nthree,3\nfour\nfive,5,V\n");
    assert_eq!((report.unwrap().counts.loaded, bad.len()), (1, 2));
    assert!(bad[0].2.contains("1 fields where the header names 2"), "{bad:?}");
    assert_eq!(server.sql("trommel", "SELECT * FROM unfit.t"), ["1|one", "2|two", "3|three"]);
}
