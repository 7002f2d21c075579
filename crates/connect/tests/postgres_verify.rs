//! Reading back what was loaded, on request.
#![cfg(any(feature = "postgres", feature = "postgres-system"))]

mod postgres_support;

use postgres_support::{Server, says};
use serde::Serialize;
use trommel::{
    Checkpoint, Commit, Counts, Encode as _, Engine, ErrorKind, Options, Order, Pipeline, Position,
    RejectPolicy, Result, RunReport, Sink as _, sources,
};
use trommel_connect::postgres::{Page, Sink, Table};

#[derive(Serialize)]
struct Item {
    id: u64,
    text: String,
}

#[derive(Serialize)]
struct Other {
    id: [u64; 1],
    text: &'static str,
    other: &'static str,
}

fn item(id: u64) -> Item {
    Item { id, text: format!("item {id}") }
}

fn table(conninfo: &str) -> Table<Item> {
    Sink::connect(conninfo).unwrap().table("t").verify()
}

fn load(table: Table<Item>) -> Result<RunReport> {
    let policy = RejectPolicy::skip(100);
    Pipeline::from(sources::generate(1000, |id| id))
        .options(Options::builder().fixed_batch_size(100).on_reject(policy).build()?)
        .transform(|id, out| out.emit(&item(id)))
        .load_into(table)
        .run(&Engine::new()?)
}

fn prepare(server: &Server, schema: &str, sql: &str) -> String {
    let conninfo = server.schema(schema);
    server.sql("trommel", &format!("SET search_path = {schema}; {sql}"));
    conninfo
}

#[test]
fn what_was_loaded_is_there() {
    let server = server_or_return!();
    // A table that is missing.
    load(table(&server.schema("verify_new"))).unwrap();
    // Added to what is there, in columns of several types, one of them with a default; with rows
    // that the table refuses, which were not given to it.
    let conninfo = prepare(
        server,
        "verify_old",
        "CREATE TABLE t (id numeric PRIMARY KEY, text char(20), z int DEFAULT 3);
         INSERT INTO t VALUES (5000, 'old'), (17, 'in the way'), (5001, NULL)",
    );
    let report = load(table(&conninfo)).unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (999, 1));
    assert_eq!(server.number("SELECT count(*) FROM verify_old.t"), 1002);
    // The old rows of a table that is replaced don't count.
    load(table(&conninfo).replace()).unwrap();
    assert_eq!(server.number("SELECT count(*) FROM verify_old.t"), 1000);
}

#[test]
fn over_several_connections_too() {
    let server = server_or_return!();
    let run = |conninfo: &str| {
        Pipeline::from(sources::generate(1000, |id| id))
            .options(Options::builder().fixed_batch_size(50).order(Order::Completion).build()?)
            .transform(|id, out| out.emit(&item(id)))
            .load_into(table(conninfo).connections(3))
            .run(&Engine::new()?)
    };
    run(&prepare(server, "verify_lanes", "CREATE TABLE t (id bigint, text text)")).unwrap();
    let changed = "CREATE TABLE t (id bigint, text text);
        CREATE RULE r AS ON INSERT TO t WHERE NEW.id = 7 DO ALSO DELETE FROM t WHERE id = 7;
        CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN IF NEW.id = 7 THEN RETURN NULL; END IF; RETURN NEW; END';
        CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()";
    let error = run(&prepare(server, "verify_lanes", changed));
    says(error, ErrorKind::Fatal, &["should hold 1000 rows, content", "it holds 999 rows"]);
}

#[test]
fn rows_that_were_changed_on_the_way_are_found() {
    let server = server_or_return!();
    for change in [
        "UPDATE t SET text = 'other' WHERE id = 500",
        "DELETE FROM t WHERE id = 500",
        "INSERT INTO t VALUES (1500, '1500')",
        // As many rows, with the same values in each column.
        "UPDATE t SET id = 1000 - id WHERE id IN (400, 600)",
    ] {
        let conninfo = prepare(
            server,
            "verify_changed",
            &format!(
                "CREATE TABLE t (id bigint, text text);
                 CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN SET search_path = verify_changed; {change}; RETURN NULL; END $$;
                 CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW WHEN (NEW.id = 999)
                     EXECUTE FUNCTION g()"
            ),
        );
        let parts = ["verify", "\"t\"", "should hold 1000 rows, content", "it holds", "trigger"];
        says(load(table(&conninfo)), ErrorKind::Fatal, &parts);
        // A load that replaces is taken back.
        server.sql(
            "trommel",
            "DELETE FROM verify_changed.t; INSERT INTO verify_changed.t VALUES (7)",
        );
        says(load(table(&conninfo).replace()), ErrorKind::Fatal, &parts);
        assert_eq!(server.sql("trommel", "SELECT id FROM verify_changed.t"), ["7"]);
    }
}

#[derive(Serialize)]
struct Priced {
    id: u64,
    price: String,
    whole: f64,
    at: String,
    zoned: String,
    time: String,
    document: String,
}

/// Values that the columns round or take apart, each in many ways.
fn priced(id: u64) -> Priced {
    let wild = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sign = if id.is_multiple_of(2) { "-" } else { "" };
    let fraction = &format!("{:019}", wild % 10_u64.pow(19))[..id as usize % 19 + 1];
    // Halves and what carries are likely.
    let fraction = if id.is_multiple_of(5) { "99995" } else { fraction };
    let digits = (id % 12) as u32;
    let at = format!("{:02}:{:02}:59.{fraction}", id % 24, id % 60);
    Priced {
        id,
        price: format!("{sign}{}.{fraction}", wild % 10_u64.pow(digits)),
        whole: id as f64 - 0.5,
        at: format!("19{:02}-12-31T{at}", id % 100),
        zoned: format!("20{:02}-02-28T{at}+0{}:30", id % 100, id % 10),
        time: format!("{at}Z"),
        document: format!(
            r#"{{"b": [{sign}1.{fraction}e{}, null, "\u00e4{id}"], "a": {{}}, "b b": {id}, "a": true}}"#,
            id % 30
        ),
    }
}

#[test]
fn columns_that_round_or_take_apart_are_compared_as_they_store() {
    let server = server_or_return!();
    let run = |conninfo: &str| {
        Pipeline::from(sources::generate(3000, |id| id))
            .options(Options::builder().fixed_batch_size(500).build()?)
            .transform(|id, out| out.emit(&priced(id)))
            .load_into(Sink::connect(conninfo)?.table::<Priced>("t").verify())
            .run(&Engine::new()?)
    };
    let table = |places: u32| {
        format!(
            "CREATE TABLE t (id bigint, price numeric(30, {places}), whole numeric(12, 0),
                at timestamp({places}), zoned timestamptz({places}), time timetz({places}),
                document jsonb)"
        )
    };
    for places in 0..=6 {
        run(&prepare(server, "verify_rounds", &table(places))).unwrap();
    }
    assert_eq!(server.number("SELECT count(*) FROM verify_rounds.t"), 3000);
    for change in [
        "price = price + 0.00001",
        "whole = whole + 1",
        "at = at + interval '10 microseconds'",
        "zoned = zoned - interval '10 microseconds'",
        "time = time + interval '10 microseconds'",
        "document = document || '{\"c\": 1}'",
        "document = jsonb_set(document, '{b b}', '501')",
        "document = NULL",
    ] {
        let trigger = format!(
            "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 UPDATE verify_rounds.t SET {change} WHERE id = 500; RETURN NULL; END $$;
             CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW WHEN (NEW.id = 2999)
                 EXECUTE FUNCTION g()"
        );
        let found = run(&prepare(server, "verify_rounds", &format!("{}; {trigger}", table(5))));
        says(found, ErrorKind::Fatal, &["verify", "it holds 3000 rows"]);
    }
}

#[test]
fn what_can_t_be_verified_is_refused() {
    let server = server_or_return!();
    let conninfo = server.schema("verify_no");
    let merged = ["verify", "updated or passed over"];
    says(load(table(&conninfo).key(["id"]).upsert()), ErrorKind::Config, &merged);
    says(load(table(&conninfo).ignore_duplicates()), ErrorKind::Config, &merged);
    for (kind, value) in [("numeric(8,2)[]", "id"), ("point", "other"), ("interval(3)", "text")] {
        let columns = ["id", "text", "other"].map(|name| match name == value {
            true => format!("{name} {kind}"),
            false => format!("{name} text"),
        });
        let sql = format!("DROP TABLE IF EXISTS t; CREATE TABLE t ({})", columns.join(", "));
        let conninfo = prepare(server, "verify_no", &sql);
        let other = |id| Other { id: [id], text: "2 days", other: "" };
        let found = Pipeline::from(sources::generate(10, |id| id))
            .transform(move |id, out| out.emit(&other(id)))
            .load_into(Sink::connect(&conninfo).unwrap().table::<Other>("t").verify())
            .run(&Engine::new().unwrap());
        says(found, ErrorKind::Config, &["verify: what column", value, kind]);
    }
}

#[test]
fn the_digests_of_a_job_live_on_in_its_later_runs() {
    let server = server_or_return!();
    let conninfo = prepare(server, "verify_job", "CREATE TABLE t (id bigint, text text)");
    let at = |rows: u64| Checkpoint {
        position: Some(Position::from_numbers(&[rows])),
        counts: Counts { read: rows, loaded: rows, emitted: rows, ..Counts::default() },
        ..Checkpoint::default()
    };
    let step = |table: &mut Table<Item>, from: u64, to: u64, commits: bool| {
        let encoder = table.encoder().unwrap();
        let mut page = Page::default();
        (from..to).for_each(|id| Table::<Item>::encode(&encoder, &mut page, item(id)).unwrap());
        table.write(&mut page).unwrap();
        if commits {
            table.commit(&at(to), Commit::Now).unwrap();
        }
    };
    let mut first = table(&conninfo);
    assert_eq!(first.resume("load").unwrap(), None);
    step(&mut first, 0, 10, true);
    drop(first);
    let mut second = table(&conninfo);
    assert_eq!(second.resume("load").unwrap().unwrap().counts.read, 10);
    // Not committed, so not given.
    step(&mut second, 10, 15, false);
    drop(second);
    let mut third = table(&conninfo);
    third.resume("load").unwrap();
    step(&mut third, 10, 20, true);
    drop(third);
    let tamper = |text: &str| {
        server.sql("trommel", &format!("UPDATE verify_job.t SET text = '{text}' WHERE id = 7"));
    };
    tamper("other");
    let last = || {
        let mut last = table(&conninfo);
        assert!(!last.resume("load").unwrap().unwrap().finished);
        last.encoder().unwrap();
        last
    };
    let parts = ["verify", "should hold 20 rows", "it holds 20 rows"];
    says(last().finish(), ErrorKind::Fatal, &parts);
    tamper("item 7");
    last().finish().unwrap();
    // Begun without it.
    let mut other = Sink::connect(&conninfo).unwrap().table::<Item>("t");
    other.resume("other").unwrap();
    step(&mut other, 30, 40, true);
    drop(other);
    let parts = ["job `other`", "without it"];
    says(table(&conninfo).resume("other").map(drop), ErrorKind::Config, &parts);
}
