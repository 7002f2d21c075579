//! Queries as sources against a real server.
#![cfg(any(feature = "postgres", feature = "postgres-system"))]

mod postgres_support;

use postgres_support::{Server, says};
use serde::Deserialize;
use std::sync::Mutex;
use std::time::Duration;
use trommel::{
    Engine, ErrorKind, Options, Pipeline, RejectPolicy, Result, Retry, RunReport, sinks,
};
use trommel_connect::postgres::{Row, Sink, Source};

/// What `each` makes of every row, in order.
fn read<T: Send + 'static>(
    source: Source,
    each: impl Fn(Row<'_>) -> Result<T> + Send + Sync,
) -> Result<Vec<T>> {
    let rows = Mutex::new(Vec::new());
    Pipeline::from(source)
        .options(Options::builder().fixed_batch_size(50).build()?)
        .transform(|row, out| out.emit(each(row)?))
        .load_into(sinks::for_each(|value| {
            rows.lock().unwrap().push(value);
            Ok(())
        }))
        .run(&Engine::new()?)?;
    Ok(rows.into_inner().unwrap())
}

#[test]
fn every_type_is_read_as_it_is() {
    let server = server_or_return!();
    let conninfo = server.schema("reading");
    server.sql("trommel", "CREATE TYPE reading.mood AS ENUM ('glad', 'sad')");
    // As text; what PostgreSQL says, and what is read.
    let texts = [
        ("true", "true"),
        ("(-32768)::int2", "-32768"),
        ("2147483647", "2147483647"),
        ("(-9223372036854775808)::int8", "-9223372036854775808"),
        ("1.5::float4", "1.5"),
        ("0.1::float8", "0.1"),
        ("'-12345.6780'::numeric", "-12345.6780"),
        ("0.00012::numeric", "0.00012"),
        ("1e30::numeric", "1000000000000000000000000000000"),
        ("10000::numeric", "10000"),
        ("0::numeric(6,3)", "0.000"),
        ("'NaN'::numeric", "NaN"),
        ("'grüße'::text", "grüße"),
        ("'ab'::char(4)", "ab  "),
        ("'sad'::reading.mood", "sad"),
        ("'2013-02-28'::date", "2013-02-28"),
        ("'1969-12-31'::date", "1969-12-31"),
        ("'2000-02-29'::date", "2000-02-29"),
        ("'infinity'::date", "infinity"),
        ("'23:59:59.9'::time", "23:59:59.9"),
        ("'12:00+02'::timetz", "12:00:00+02:00"),
        ("'1999-12-31 23:59:59.000001'::timestamp", "1999-12-31T23:59:59.000001"),
        ("'2013-01-01 05:00-05'::timestamptz", "2013-01-01T10:00:00Z"),
        ("'1 year 2 mons 3 days 04:05:06.7'::interval", "P1Y2M3DT4H5M6.7S"),
        ("'-00:00:01'::interval", "PT-1S"),
        ("'0'::interval", "PT0S"),
        ("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("'{\"a\": 1}'::jsonb", "{\"a\": 1}"),
        ("'[1,  2]'::json", "[1,  2]"),
        ("'192.168.0.1/24'::inet", "192.168.0.1/24"),
        ("'::1'::inet", "::1"),
        ("'10.0.0.0/8'::cidr", "10.0.0.0/8"),
        ("'08:00:2b:01:02:03'::macaddr", "08:00:2b:01:02:03"),
        ("'(1,2)'::point", "(1,2)"),
    ];
    for (sql, expected) in texts {
        let source = Source::query(&conninfo, format!("SELECT {sql} AS v")).unwrap();
        let found = read(source, |row| row.get::<String>("v")).unwrap();
        assert_eq!(found, [expected], "{sql}");
        let source =
            Source::query(&conninfo, format!("SELECT nullif({sql}::text, {sql}::text) AS v"));
        assert_eq!(read(source.unwrap(), |row| row.at::<Option<i64>>(0)).unwrap(), [None], "{sql}");
    }
    let one = |sql: &str| Source::query(&conninfo, format!("SELECT {sql} AS v")).unwrap();
    let numbers = read(one("'12.5'::numeric"), |row| row.get::<f64>("v")).unwrap();
    assert_eq!(numbers, [12.5]);
    assert_eq!(read(one("7::int2"), |row| row.get::<u8>("v")).unwrap(), [7]);
    assert_eq!(read(one("'\\x00ff'::bytea"), |row| row.get::<Vec<u8>>("v")).unwrap(), [[0, 255]]);
    let nested = read(one("ARRAY[[1,2],[3,NULL]]"), |row| row.get::<Vec<Vec<Option<i32>>>>("v"));
    assert_eq!(nested.unwrap(), [[[Some(1), Some(2)], [Some(3), None]]]);
    assert_eq!(read(one("'{}'::text[]"), |row| row.get::<Vec<String>>("v")).unwrap(), [[""; 0]]);
    let json = read(one("'{\"a\":[1,null]}'::jsonb"), |row| row.get::<serde_json::Value>("v"));
    assert_eq!(json.unwrap(), [serde_json::json!({"a": [1, null]})]);
    let lengths = read(one("'grüße'::text"), |row| Ok(row.get::<&str>("v")?.len())).unwrap();
    assert_eq!(lengths, [7]);

    says(read(one("300"), |row| row.get::<u8>("v")), ErrorKind::Row, &["integer", "column `v`"]);
    says(read(one("NULL::int"), |row| row.get::<i32>("v")), ErrorKind::Row, &["NULL", "Option"]);
    says(read(one("1"), |row| row.get::<i32>("w")), ErrorKind::Config, &["no column `w`"]);
    says(read(one("1"), |row| row.at::<i32>(1)), ErrorKind::Config, &["none at 1"]);
}

#[derive(Debug, Deserialize, PartialEq)]
struct Flight {
    id: i64,
    carrier: String,
    delay: Option<f32>,
}

#[test]
fn rows_are_decoded_by_name_and_by_place() {
    let server = server_or_return!();
    let conninfo = server.schema("decoding");
    let query = "SELECT n AS id, 'UA' AS carrier, nullif(n, 2) / 2.0 AS delay, 1 AS more \
                 FROM generate_series(1, 130) n ORDER BY n;";
    let flights =
        read(Source::query(&conninfo, query).unwrap(), |row| row.decode::<Flight>()).unwrap();
    assert_eq!(flights.len(), 130);
    assert_eq!(flights[0], Flight { id: 1, carrier: "UA".into(), delay: Some(0.5) });
    assert_eq!(flights[1].delay, None);
    type Tuple = (u16, String, Option<String>, u8);
    let tuples =
        read(Source::query(&conninfo, query).unwrap(), |row| row.decode::<Tuple>()).unwrap();
    assert_eq!(tuples[129].0, 130);
    let nothing = Source::query(&conninfo, "SELECT 1 AS n WHERE false").unwrap();
    assert_eq!(read(nothing, |row| row.get::<i32>("n")).unwrap(), [0; 0]);

    // What can't be read is called by its column, as for single values.
    let one = |sql: &str| Source::query(&conninfo, format!("SELECT {sql}")).unwrap();
    let row = "1 AS id, NULL AS carrier, 2.5::real AS delay";
    let parts = ["column `carrier`", "text", "NULL", "Option"];
    says(read(one(row), |row| row.decode::<Flight>()), ErrorKind::Row, &parts);
    let parts = ["column `id`", "integer"];
    says(read(one("300 AS id"), |row| row.decode::<(u8,)>()), ErrorKind::Row, &parts);
    let parts = ["no column `delay`; its columns are id, carrier"];
    #[derive(Debug, Deserialize)]
    struct Strict {
        #[serde(rename = "delay")]
        _delay: f32,
    }
    let row = "1 AS id, 'UA' AS carrier";
    says(read(one(row), |row| row.decode::<Strict>()), ErrorKind::Config, &parts);
}

/// A job from table to table that fails in the middle, again and again.
#[test]
fn a_query_with_a_key_is_taken_up_where_it_ended() {
    let server = server_or_return!();
    for (schema, key) in [("keyed", "bigint"), ("texts", "text"), ("times", "timestamptz")] {
        let conninfo = server.schema(schema);
        let value = match key {
            "bigint" => "n * 7 - 500",
            "text" => "to_char(n, 'FM0000') || '''\"'",
            _ => "timestamptz '2013-01-01' + n * interval '1.5 s'",
        };
        server.sql(
            "trommel",
            &format!(
                "CREATE TABLE {schema}.a AS SELECT {value} AS id, n \
                 FROM generate_series(1, 3000) n ORDER BY random(); \
                 CREATE TABLE {schema}.b (id {key} UNIQUE, n int)"
            ),
        );
        let job = |fail_at: i32| -> Result<RunReport> {
            let source = Source::query(&conninfo, "SELECT * FROM a")?.key("id");
            let sink = Sink::connect(&conninfo)?.table::<(String, i32)>("b").commit_rows(200);
            Pipeline::from(source)
                .resumable("copy")
                .options(Options::builder().fixed_batch_size(50).build()?)
                .transform(move |row, out| {
                    let n: i32 = row.get("n")?;
                    if n == fail_at {
                        return Err(trommel::Error::fatal("stop"));
                    }
                    out.emit((row.get::<String>("id")?, n))
                })
                .load_into(sink)
                .run(&Engine::new()?)
        };
        for fail_at in [900, 1800, 2990] {
            says(job(fail_at), ErrorKind::Fatal, &["stop"]);
            let rows = server.number(&format!("SELECT count(*) FROM {schema}.b"));
            assert!(rows > i64::from(fail_at) - 600 && rows < i64::from(fail_at), "{rows}");
        }
        job(0).unwrap();
        let same = format!(
            "SELECT count(*), (SELECT count(*) FROM {schema}.b) FROM {schema}.a JOIN {schema}.b \
             USING (id, n)"
        );
        assert_eq!(server.sql("trommel", &same), ["3000|3000"], "{schema}");
        assert_eq!(job(1).unwrap().counts.read, 0, "finished: nothing is to be done");
    }
}

// Symptom, cause and fix: as of SQLite's queries, in `resume.rs`.
#[test]
fn rejects_of_a_resumed_query_are_numbered_from_the_first_row_of_the_job() {
    let server = server_or_return!();
    let conninfo = server.schema("numbered");
    server.sql(
        "trommel",
        "CREATE TABLE numbered.a AS SELECT n AS id FROM generate_series(0, 999) n; \
         CREATE TABLE numbered.b (id int)",
    );
    let job = |fail_at: i32| -> Result<RunReport> {
        let options = Options::builder().on_reject(RejectPolicy::with_data(1_000));
        let sink = Sink::connect(&conninfo)?.table::<(i32,)>("b").commit_rows(1);
        Pipeline::from(Source::query(&conninfo, "SELECT id FROM a")?.key("id"))
            .resumable("copy")
            .options(options.fixed_batch_size(100).build()?)
            .transform(move |row, out| match row.get::<i32>("id")? {
                id if id == fail_at => Err(trommel::Error::fatal("stop")),
                id if id % 100 == 50 => Err(trommel::Error::row(format!("{id}"))),
                id => out.emit((id,)),
            })
            .load_into(sink)
            .run(&Engine::new()?)
    };
    says(job(350), ErrorKind::Fatal, &["stop"]);
    says(job(720), ErrorKind::Fatal, &["stop"]);
    job(-1).unwrap();
    let same = "SELECT count(*) FROM numbered.trommel_reject WHERE record = reason::bigint";
    assert_eq!(server.number(same), 10);
    assert_eq!(server.number("SELECT count(*) FROM numbered.trommel_reject"), 10);
}

#[test]
fn queries_and_keys_that_can_t_work_are_said_so() {
    let server = server_or_return!();
    let conninfo = server.schema("wrongs");
    let query = |sql: &str| Source::query(&conninfo, sql).map(drop);
    says(
        query("SELECT * FROM nowhere"),
        ErrorKind::Config,
        &["nowhere", "42P01", "check the table"],
    );
    says(query("SELEC 1"), ErrorKind::Config, &["syntax"]);
    says(query("SELECT 1 AS a, 2 AS a"), ErrorKind::Config, &["`a`", "AS"]);
    let keyed = |sql: &str, key: &str| {
        read(Source::query(&conninfo, sql).unwrap().key(key), |row| row.at::<Option<i32>>(0))
    };
    says(keyed("SELECT 1 AS a", "b"), ErrorKind::Config, &["key", "no column `b`"]);
    says(
        keyed("SELECT n / 2 AS a FROM generate_series(1, 9) n", "a"),
        ErrorKind::Fatal,
        &["same key", "column `a`"],
    );
    says(
        keyed("SELECT nullif(n, 5) AS a FROM generate_series(1, 9) n", "a"),
        ErrorKind::Fatal,
        &["null", "column `a`"],
    );
    // What the server finds only on the way.
    let divided =
        Source::query(&conninfo, "SELECT 1 / (500 - n) AS a FROM generate_series(1, 900) n");
    let result = read(divided.unwrap(), |row| row.get::<i32>("a"));
    says(result, ErrorKind::Fatal, &["division by zero", "22012"]);
    let slow = Source::query(&conninfo, "SELECT pg_sleep(60)::text AS a").unwrap();
    let result = read(slow.timeout(Duration::from_millis(200)), |row| row.get::<String>("a"));
    says(result, ErrorKind::Transient, &["did not move"]);
}

/// Reads 20,000 rows, and ends the session that sends them at some of them.
fn read_with_cuts(server: &Server, source: Source, cuts: &[i32]) -> Result<Vec<i32>> {
    read(source, |row| {
        let id: i32 = row.get("id")?;
        if cuts.contains(&id) {
            server.sql(
                "trommel",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE query LIKE '%lost_source.t%' AND query NOT LIKE '%pg_terminate_backend%'",
            );
        }
        Ok(id)
    })
}

#[test]
fn a_lost_connection_goes_on_behind_the_last_key() {
    let server = server_or_return!();
    let conninfo = server.schema("lost_source");
    server.sql(
        "trommel",
        "CREATE TABLE lost_source.t AS SELECT id, repeat('x', 1000) AS text \
         FROM generate_series(1, 20000) AS id",
    );
    let query = || Source::query(&conninfo, "SELECT id, text FROM lost_source.t").unwrap();
    let found = read_with_cuts(server, query().key("id"), &[10, 5_000, 5_100, 12_000]).unwrap();
    assert_eq!(found, (1..=20_000).collect::<Vec<_>>());
    // Nowhere to go on, and not allowed to.
    let lost = ["the connection was lost"];
    let keyless = read_with_cuts(server, query(), &[10]);
    says(keyless, ErrorKind::Transient, &["without a `key` it can't go on", lost[0]]);
    let never = read_with_cuts(server, query().key("id").retry(Retry::NONE), &[10]);
    says(never, ErrorKind::Transient, &lost);
}

#[test]
fn a_server_that_stays_away_is_given_up() {
    let Some(server) = postgres_support::start() else { return };
    let conninfo = server.schema("lost_source");
    server.sql(
        "trommel",
        "CREATE TABLE lost_source.t AS SELECT id, repeat('x', 1000) AS text \
         FROM generate_series(1, 20000) AS id",
    );
    let source = Source::query(&conninfo, "SELECT id, text FROM lost_source.t").unwrap();
    let retry =
        Retry { attempts: 3, initial: Duration::from_millis(10), max: Duration::from_secs(1) };
    let found = read(source.key("id").retry(retry), |row| {
        let id: i32 = row.get("id")?;
        if id == 1000 {
            assert!(server.control("stop -m immediate"));
        }
        Ok(id)
    });
    says(found, ErrorKind::Transient, &["can't connect", "check that the server runs there"]);
}
