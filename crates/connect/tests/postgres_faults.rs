//! Bad rows, bad settings, bad servers: what is said, and what is stored all the same.
#![cfg(any(feature = "postgres", feature = "postgres-system"))]

mod postgres_support;

use postgres_support::says;
use serde::Serialize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trommel::{CancelToken, Engine, ErrorKind, Options, Pipeline, Reject, RejectPolicy, sources};
use trommel_connect::postgres::{self, Sink};

#[derive(Serialize)]
struct Item {
    id: u64,
    size: Option<u64>,
}

fn table(conninfo: &str) -> postgres::Table<Item> {
    Sink::connect(conninfo).unwrap().table("t")
}

fn options() -> trommel::OptionsBuilder {
    Options::builder().fixed_batch_size(100)
}

/// The server's disk is full, as the server would say it: no row's fault, and the job goes on when
/// there is room.
#[test]
fn a_full_disk_of_the_server_ends_the_run_and_the_next_one_goes_on() {
    let server = server_or_return!();
    let conninfo = server.schema("brimful");
    server.sql(
        "trommel",
        "CREATE TABLE brimful.t (id int PRIMARY KEY, size int);
         CREATE FUNCTION brimful.extend() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'could not extend file \"base/5/16384\": No space left on device'
                 USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER brimful BEFORE INSERT ON brimful.t FOR EACH ROW WHEN (NEW.id = 1500)
             EXECUTE FUNCTION brimful.extend()",
    );
    let run = || {
        Pipeline::from(sources::generate(3000, |id| id))
            .resumable("load")
            .options(options().on_reject(RejectPolicy::with_data(100)).build().unwrap())
            .transform(|id, out| out.emit(&Item { id, size: None }))
            .load_into(table(&conninfo).commit_rows(500))
            .run(&Engine::new().unwrap())
    };
    says(run(), ErrorKind::Io, &["the server's disk is full: free space there", "53100"]);
    let stored = server.number("SELECT loaded FROM brimful.trommel_checkpoint");
    assert!(0 < stored && stored <= 1500, "{stored} rows");
    assert_eq!(server.number("SELECT count(*) FROM brimful.t"), stored);
    server.sql("trommel", "DROP TRIGGER brimful ON brimful.t");
    let report = run().unwrap();
    assert_eq!((report.counts.loaded as i64, report.counts.rejected), (3000 - stored, 0));
    assert_eq!(server.number("SELECT count(DISTINCT id) FROM brimful.t"), 3000);
}

#[test]
fn a_poison_row_is_found_and_all_good_rows_load() {
    let server = server_or_return!();
    let conninfo = server.schema("poison");
    server.sql("trommel", "CREATE TABLE poison.other (id int PRIMARY KEY)");
    server.sql("trommel", "INSERT INTO poison.other SELECT generate_series(0, 100000)");
    server.sql(
        "trommel",
        "CREATE TABLE poison.t (id int PRIMARY KEY REFERENCES poison.other, \
         size int NOT NULL CHECK (size < 5000))",
    );
    let found = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&found);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            let Reject { record, column, reason, .. } = reject;
            keep.lock().unwrap().push((record.unwrap(), column.clone(), reason.clone()));
            Ok(())
        },
        100,
    );
    let report = Pipeline::from(sources::generate(3000, |id| id))
        .options(options().on_reject(policy).build().unwrap())
        .transform(|id, out| {
            if id == 50 {
                return Ok(()); // so that rows and values have different numbers
            }
            out.emit(&Item {
                id: match id {
                    700 => 5,
                    1500 => 1_000_000,
                    id => id,
                },
                size: match id {
                    10 | 2999 => None,
                    701..=703 => Some(9000),
                    _ => Some(1),
                },
            })
        })
        .load_into(table(&conninfo))
        .run(&Engine::new().unwrap())
        .unwrap();
    assert!(report.counts.add_up());
    assert_eq!((report.counts.loaded, report.counts.rejected), (2992, 7));
    let found = found.lock().unwrap();
    let records: Vec<u64> = found.iter().map(|(record, ..)| *record).collect();
    assert_eq!(records, [10, 700, 701, 702, 703, 1500, 2999]);
    assert_eq!(found[0].1.as_deref(), Some("size"));
    for (index, part) in
        [(0, "23502"), (1, "t_pkey"), (2, "CHECK"), (5, "refers to a row that does not exist")]
    {
        assert!(found[index].2.contains(part), "{}", found[index].2);
    }
    let stored =
        server.sql("trommel", "SELECT count(*), count(DISTINCT id), sum(size) FROM poison.t");
    assert_eq!(stored, ["2992|2992|2992"]);
}

#[test]
fn rejects_are_kept_with_the_data_or_go_with_it() {
    let server = server_or_return!();
    let conninfo = server.schema("kept");
    server.sql("trommel", "CREATE TABLE kept.t (id int, size int NOT NULL)");
    let load = |fail: bool| {
        Pipeline::from(sources::generate(1000, |id| id))
            .options(options().on_reject(RejectPolicy::with_data(50)).build().unwrap())
            .transform(move |id, out| {
                if fail && id == 900 {
                    return Err(trommel::Error::fatal("stop"));
                }
                out.emit(&Item { id, size: (id % 100 != 7).then_some(id) })
            })
            .load_into(table(&conninfo).commit_interval(Duration::from_secs(60)))
            .run(&Engine::new().unwrap())
    };
    load(true).unwrap_err();
    assert_eq!(server.number("SELECT count(*) FROM kept.t"), 0);
    let none = "SELECT to_regclass('kept.trommel_reject') IS NULL";
    assert_eq!(server.sql("trommel", none), ["t"]);
    assert_eq!(load(false).unwrap().counts.loaded, 990);
    let sql = "SELECT count(*), sum(record), min(stage), min(\"column\") FROM kept.trommel_reject";
    assert_eq!(server.sql("trommel", sql), ["10|4570|sink|size"]);
}

#[test]
fn settings_that_can_t_work_are_said_with_place_and_remedy() {
    let server = server_or_return!();
    let conninfo = server.schema("wrong");
    server.sql("trommel", "CREATE TABLE wrong.t (id int)");
    server.sql(
        "trommel",
        "GRANT USAGE ON SCHEMA wrong TO guarded; GRANT SELECT ON wrong.t TO guarded",
    );
    let port = server.port;
    let says = |conninfo: String, kind, parts: &[&str]| {
        let error = Sink::connect(&conninfo).map(drop).unwrap_err();
        assert!(!error.to_string().contains("sesame"), "{error}");
        says(Err::<(), _>(error), kind, parts);
    };
    says(
        format!("postgresql://guarded:sesame@127.0.0.1:{port}/trommel"),
        ErrorKind::Config,
        &["127.0.0.1", "`guarded`", "`trommel`", "password authentication failed", "PGPASSWORD"],
    );
    says(
        format!("postgresql://guarded@127.0.0.1:{port}/trommel"),
        ErrorKind::Config,
        &["no password supplied"],
    );
    says(
        format!("postgresql://trommel:sesame@127.0.0.1:{port}/nowhere"),
        ErrorKind::Config,
        &["no such database", "nowhere"],
    );
    says(
        format!("postgresql://trommel:sesame@127.0.0.1:{port}/trommel?sslmode=require"),
        ErrorKind::Config,
        &["TLS"],
    );
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    says(
        format!("postgresql://trommel:sesame@127.0.0.1:{closed}/trommel"),
        ErrorKind::Transient,
        &["check that the server runs", &closed.to_string()],
    );

    let run = |table: postgres::Table<Item>| {
        Pipeline::from(sources::generate(10, |id| id))
            .transform(|id, out| out.emit(&Item { id, size: None }))
            .load_into(table)
            .run(&Engine::new().unwrap())
    };
    let parts = ["sink: ", "table: \"t\" has no column \"size\" that", "its columns are \"id\""];
    postgres_support::says(run(table(&conninfo)), ErrorKind::Config, &parts);
    // Those that are declared are looked for before the first row.
    let declared = table(&conninfo).column("id", "").column("a", "").column("b", "");
    let parts = ["sink: ", "no column \"a\", \"b\" that", "its columns are \"id\""];
    let unread = sources::iter(std::iter::from_fn(|| -> Option<Item> { panic!("a row was read") }));
    let early = Pipeline::from(unread).transform(|item, out| out.emit(item)).load_into(declared);
    postgres_support::says(early.run(&Engine::new().unwrap()), ErrorKind::Config, &parts);
    let guarded = format!(
        "host=127.0.0.1 port={port} user=guarded password=right dbname=trommel \
         options='-c search_path=wrong'"
    );
    server.sql("trommel", "ALTER TABLE wrong.t ADD size int");
    postgres_support::says(
        run(table(&guarded)),
        ErrorKind::Io,
        &["permission", "GRANT", "42501", "\"t\""],
    );
    let missing = Sink::connect(&conninfo).unwrap().table::<Item>("nowhere.t");
    postgres_support::says(run(missing), ErrorKind::Config, &["\"nowhere\".\"t\"", "nowhere"]);
}

/// A lock that another session holds keeps the server from answering.
#[test]
fn a_server_that_does_not_move_is_not_waited_for_forever() {
    let server = server_or_return!();
    let conninfo = server.schema("stuck");
    server.sql("trommel", "CREATE TABLE stuck.t (id int, size int)");
    let mut locker = server
        .psql("trommel", "BEGIN; LOCK stuck.t; SELECT pg_sleep(60)")
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let locked = "SELECT count(*) FROM pg_locks WHERE relation = 'stuck.t'::regclass \
                  AND mode = 'AccessExclusiveLock' AND granted";
    while server.number(locked) == 0 {
        std::thread::yield_now();
    }
    let run = |sink: Sink, token: &CancelToken| {
        Pipeline::from(sources::generate(10, |id| id))
            .cancel_with(token)
            .transform(|id, out| out.emit(&Item { id, size: None }))
            .load_into(sink.table::<Item>("t"))
            .run(&Engine::new().unwrap())
    };
    let began = Instant::now();
    let sink = Sink::connect(&conninfo).unwrap().timeout(Duration::from_millis(300));
    says(
        run(sink, &CancelToken::new()),
        ErrorKind::Transient,
        &["did not move", "pg_stat_activity"],
    );

    let token = CancelToken::new();
    let sink = Sink::connect(&conninfo).unwrap().cancel_with(&token, Duration::from_millis(200));
    let result = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(sink, &token));
        let waits = "SELECT count(*) FROM pg_locks WHERE relation = 'stuck.t'::regclass \
                     AND NOT granted";
        while server.number(waits) == 0 {
            std::thread::yield_now();
        }
        token.cancel();
        running.join().unwrap()
    });
    says(result, ErrorKind::Cancelled, &[]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // Nothing of ours waits there any more.
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'trommel%' \
                AND query LIKE '%\"t\"%' AND state = 'active'";
    while server.number(ours) > 0 {
        assert!(began.elapsed() < Duration::from_secs(30));
    }
    locker.kill().unwrap();
    locker.wait().unwrap();
}
