//! A job goes on only into the table that it was begun into.

use crate::postgres_support::{self, Server, says};
use crate::{Item, ROWS, at, item, page, server_or_return};
use std::process::Child;
use std::sync::Barrier;
use trommel::{
    Checkpoint, Commit, Durability, Engine, ErrorKind, Options, Pipeline, Result, RunReport,
    Sink as _, sources,
};
use trommel_connect::postgres::{Encoder, Sink, Table};

fn into(conninfo: &str, table: &str) -> Table<Item> {
    Sink::connect(conninfo).unwrap().table(table).column("id", "bigint").column("text", "text")
}

/// Begins the run, and stores ten more rows, up to `rows`, and the checkpoint.
fn ten_more(table: &mut Table<Item>, rows: u64) -> Result<Durability> {
    let encoder = table.encoder()?;
    further(table, &encoder, rows)
}

/// The same in a run that has begun.
fn further(table: &mut Table<Item>, encoder: &Encoder, rows: u64) -> Result<Durability> {
    table.write(&mut page(encoder, rows - 10..rows))?;
    table.commit(&at(rows), Commit::Now)
}

#[track_caller]
fn refused<T>(result: Result<T>, begun: &str, now: &str) {
    let said = format!("`load` was begun into the table {begun}, and is to go on into {now}: ");
    let parts = ["database `trommel`", &said, "the same table", "another job name"];
    says(result, ErrorKind::Config, &parts);
}

/// The rows of checkpoints, and which versions of them these are.
fn checkpoints(server: &Server, schema: &str) -> Vec<String> {
    server.sql("trommel", &format!("SELECT xmin, ctid, c FROM {schema}.trommel_checkpoint c"))
}

// A job that was run again with another table of the same schema went on there: its rows were in two
// tables, and a finished one loaded nothing into the new one and ended well. The database knew a job by
// its name alone. The checkpoint holds the table now, and a job goes on only into that.
#[test]
fn a_job_goes_on_only_into_the_table_that_it_was_begun_into() {
    let server = server_or_return!();
    let conninfo = server.schema("elsewhere");
    let (t, u) = ("\"elsewhere\".\"t\"", "\"elsewhere\".\"u\"");
    let mut first = into(&conninfo, "t");
    first.resume("load").unwrap();
    let encoder = first.encoder().unwrap();
    further(&mut first, &encoder, 10).unwrap();

    let before = checkpoints(server, "elsewhere");
    let mut other = into(&conninfo, "u");
    refused(other.resume("load"), t, u);
    assert_eq!(checkpoints(server, "elsewhere"), before, "nothing is written");
    // The session of the first was not ended, and the other is not taken for one of the job's.
    further(&mut first, &encoder, 20).unwrap();
    drop(first);
    let mut second = into(&conninfo, "elsewhere.t");
    assert_eq!(second.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(20) }));
    second.encoder().unwrap();
    second.finish().unwrap();
    drop(second);
    assert_eq!(other.resume("another").unwrap(), None);
    ten_more(&mut other, 10).unwrap();
    drop(other);

    let before = checkpoints(server, "elsewhere");
    refused(into(&conninfo, "u").resume("load"), t, u);
    // Nor is another name that differs by the case of a letter the same one here.
    refused(into(&conninfo, "T").resume("load"), t, "\"elsewhere\".\"T\"");
    assert_eq!(checkpoints(server, "elsewhere"), before, "nor of a finished job");
    let sql = "SELECT (SELECT count(*) FROM elsewhere.t), (SELECT count(*) FROM elsewhere.u)";
    assert_eq!(server.sql("trommel", sql), ["20|10"]);
}

#[test]
fn a_table_is_known_by_the_schema_that_it_is_found_in() {
    let server = server_or_return!();
    server.schema("path_b");
    server.schema("path_a");
    let conninfo = server.address("path_a,path_b", server.port);
    server.sql("trommel", "CREATE TABLE path_b.t (id bigint, text text)");
    let mut first = into(&conninfo, "t");
    first.resume("load").unwrap();
    ten_more(&mut first, 10).unwrap();
    drop(first);
    // The checkpoints are in the first schema. A table made there hides the other one.
    server.sql("trommel", "CREATE TABLE path_a.t (id bigint, text text)");
    refused(into(&conninfo, "t").resume("load"), "\"path_b\".\"t\"", "\"path_a\".\"t\"");
    refused(into(&conninfo, "path_a.t").resume("load"), "\"path_b\".\"t\"", "\"path_a\".\"t\"");
    server.sql("trommel", "DROP TABLE path_a.t");
    let mut second = into(&conninfo, "t");
    assert_eq!(second.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }));
    ten_more(&mut second, 20).unwrap();
    assert_eq!(server.number("SELECT count(*) FROM path_b.t"), 20);
}

#[test]
fn a_job_that_has_stored_nothing_may_go_into_another_table() {
    let server = server_or_return!();
    let conninfo = server.schema("nothing");
    let mut first = into(&conninfo, "t");
    first.resume("load").unwrap();
    let encoder = first.encoder().unwrap();
    let mut second = into(&conninfo, "u");
    assert_eq!(second.resume("load").unwrap(), None);
    assert!(further(&mut first, &encoder, 10).is_err());
    ten_more(&mut second, 10).unwrap();
    drop((first, second));
    refused(into(&conninfo, "t").resume("load"), "\"nothing\".\"u\"", "\"nothing\".\"t\"");
    let sql = "SELECT (SELECT count(*) FROM nothing.t), (SELECT count(*) FROM nothing.u)";
    assert_eq!(server.sql("trommel", sql), ["0|10"]);
}

#[test]
fn a_checkpoint_from_before_tables_were_noted_goes_on_and_notes_its_own() {
    let server = server_or_return!();
    let conninfo = server.schema("former");
    for job in ["load", "other"] {
        let mut first = into(&conninfo, "t");
        first.resume(job).unwrap();
        ten_more(&mut first, 10).unwrap();
    }
    server.sql("trommel", "ALTER TABLE former.trommel_checkpoint DROP COLUMN destination");

    // Whoever is not its owner can't add what it lacks, and hears who can.
    server.sql(
        "trommel",
        "DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN; GRANT ALL ON SCHEMA former TO guest; \
         GRANT ALL ON ALL TABLES IN SCHEMA former TO guest",
    );
    let guest = conninfo.replace("user=trommel", "user=guest");
    let sql = "`ALTER TABLE \"trommel_checkpoint\" ADD COLUMN destination text`";
    says(into(&guest, "t").resume("load"), ErrorKind::Io, &["its owner", sql, "must be owner"]);

    for job in ["load", "other"] {
        let mut second = into(&conninfo, "t");
        assert_eq!(second.resume(job).unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }), "{job}");
        ten_more(&mut second, 20).unwrap();
    }
    refused(into(&conninfo, "u").resume("load"), "\"former\".\"t\"", "\"former\".\"u\"");
    // Now there is nothing to add.
    let mut third = into(&guest, "t");
    assert_eq!(third.resume("load").unwrap(), Some(Checkpoint { epoch: 3, ..at(20) }));
    drop(third);
    assert_eq!(server.number("SELECT count(*) FROM former.t"), 40);
    server.sql("trommel", "DROP OWNED BY guest; DROP ROLE guest");
}

/// A session that commits a checkpoint of another table a while after it has written it, as the
/// runner before would.
fn commits_late(server: &Server) -> Child {
    let update =
        "UPDATE late.trommel_checkpoint SET updated = now(), loaded = 7 WHERE job = 'load'";
    let sql = format!("BEGIN; {update}; SELECT pg_sleep(1); COMMIT");
    let child = server.psql("trommel", &sql).spawn().unwrap();
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                  AND query LIKE '%late.trommel_checkpoint%'";
    while server.number(asleep) == 0 {}
    child
}

#[test]
fn a_first_commit_that_comes_in_between_is_seen() {
    let server = server_or_return!();
    let conninfo = server.schema("late");
    let mut first = into(&conninfo, "t");
    first.resume("load").unwrap();
    let mut late = commits_late(server);
    // What it has found by then says that nothing is stored; it waits for the row.
    refused(into(&conninfo, "u").resume("load"), "\"late\".\"t\"", "\"late\".\"u\"");
    assert!(late.wait().unwrap().success());
    let sql = "SELECT epoch, loaded, destination FROM late.trommel_checkpoint";
    assert_eq!(server.sql("trommel", sql), ["1|7|\"late\".\"t\""]);
    // The first one's session lives, and the job is its own.
    ten_more(&mut first, 10).unwrap();
}

/// Loads all rows as one job into this table.
fn run(conninfo: &str, table: &str) -> Result<RunReport> {
    Pipeline::from(sources::generate(ROWS, |id| id))
        .resumable("load")
        .options(Options::builder().fixed_batch_size(100).build()?)
        .transform(|id, out| out.emit(&item(id)))
        .load_into(into(conninfo, table).commit_rows(700))
        .run(&Engine::new()?)
}

#[test]
fn two_runners_at_once_leave_all_rows_in_one_table() {
    let server = server_or_return!();
    for round in 0..10 {
        let conninfo = server.schema("race");
        let start = Barrier::new(2);
        let ended = std::thread::scope(|scope| {
            let runners = ["t", "u"].map(|table| {
                let (conninfo, start) = (&conninfo, &start);
                scope.spawn(move || {
                    start.wait();
                    run(conninfo, table).is_ok()
                })
            });
            runners.map(|runner| runner.join().unwrap())
        });
        assert_ne!(ended, [true, true], "round {round}");
        // Neither may have come to an end: each ends the other's session.
        let begun = server.sql("trommel", "SELECT destination FROM race.trommel_checkpoint");
        let table = begun[0].strip_prefix("\"race\".").unwrap().trim_matches('"').to_owned();
        run(&conninfo, &table).unwrap();
        let other = if table == "t" { "u" } else { "t" };
        assert_eq!(server.number(&format!("SELECT count(*) FROM race.{table}")), ROWS as i64);
        let exists =
            format!("SELECT count(*) FROM pg_class WHERE oid = to_regclass('race.{other}')");
        if server.number(&exists) == 1 {
            let rows = server.number(&format!("SELECT count(*) FROM race.{other}"));
            assert_eq!(rows, 0, "round {round}: {other} beside {table}, {ended:?}");
        }
    }
}
