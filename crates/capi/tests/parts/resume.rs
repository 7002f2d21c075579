//! Jobs: each pair goes on, or says why it can't.

use crate::{Folder, converts, fails};

/// A job that stops at a bad row half way, is given a good input, and must end with each row once.
#[test]
fn jobs_go_on_where_both_ends_can_and_are_refused_where_not() {
    let folder = Folder::new();
    let csv: String = (0..20_000).map(|id| format!("{id},{}\n", id * 3)).collect();
    folder.write("in.csv", format!("id,x\n{csv}"));
    let columns = &["id=id:INTEGER", "x=x:INTEGER"];
    for format in ["ndjson", "parquet", "arrow"] {
        let into = folder.url(format, &format!("in.{format}"));
        converts(&folder.url("csv", "in.csv"), &into, columns);
    }
    converts(
        &folder.url("csv", "in.csv"),
        &(folder.url("sqlite", "in.sqlite") + "?table=t"),
        columns,
    );
    let sources = [
        ("csv", ""),
        ("ndjson", ""),
        ("parquet", ""),
        ("arrow", ""),
        ("sqlite", "?table=t&key=id"),
        ("sqlite", "?table=t"),
    ];
    for (source, from_settings) in sources {
        let from = folder.url(source, &format!("in.{source}")) + from_settings;
        for (sink, settings) in [
            ("csv", "?commit_interval_ms=0"),
            ("ndjson", "?commit_interval_ms=0"),
            ("sqlite", "?table=t&commit_rows=1000"),
            ("parquet", "?part_rows=5000"),
            ("arrow", ""),
        ] {
            let pair = format!("{source}{from_settings} into {sink}");
            let name = format!("{source}-{}-{sink}", from_settings.len());
            let into = folder.url(sink, &name) + settings;
            let options = [columns[0], columns[1], "--job=load"];
            if sink == "arrow" || from_settings == "?table=t" {
                let message = fails(&from, &into, &options);
                let why = match sink {
                    _ if from_settings == "?table=t" => "its source has no positions",
                    _ => "stores no checkpoints",
                };
                assert!(message.contains(why), "{pair}: {message}");
                continue;
            }
            let said = converts(&from, &into, &options);
            assert_eq!(said, "20000 read, 20000 loaded, 0 rejected\n", "{pair}");
            // Done is done.
            let said = converts(&from, &into, &options);
            assert_eq!(said, "0 read, 0 loaded, 0 rejected\n", "{pair}, again");
            let back = folder.url("csv", "back.csv");
            let end = match sink {
                "sqlite" => folder.url(sink, &name) + "?query=SELECT id, x FROM t ORDER BY id",
                _ => folder.url(sink, &name),
            };
            converts(&end, &back, columns);
            assert_eq!(folder.read("back.csv"), folder.read("in.csv"), "{pair}");
        }
    }
}

#[test]
fn a_job_that_was_killed_goes_on() {
    let folder = Folder::new();
    let rows: String = (0..300_000).map(|id| format!("{id},{}\n", id % 7)).collect();
    folder.write("in.csv", format!("id,x\n{rows}"));
    let from = folder.url("csv", "in.csv");
    let into = folder.url("sqlite", "out.db") + "?table=t&commit_rows=1000&durability=off";
    let options = ["id=id:INTEGER", "x=x:INTEGER", "--job=load"];
    let mut kills = 0;
    loop {
        let mut child = crate::command(&from, &into, &options)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let begun = std::time::Instant::now();
        let cut = kills < 5;
        while cut
            && child.try_wait().unwrap().is_none()
            && begun.elapsed() < std::time::Duration::from_millis(60)
        {
            std::thread::yield_now();
        }
        if cut && child.try_wait().unwrap().is_none() {
            kills += 1;
            child.kill().unwrap();
            child.wait().unwrap();
            continue;
        }
        assert!(child.wait().unwrap().success());
        break;
    }
    let query = folder.url("sqlite", "out.db") + "?query=SELECT id, x FROM t ORDER BY id";
    converts(&query, &folder.url("csv", "back.csv"), &[]);
    assert!(folder.read("back.csv") == folder.read("in.csv"), "after {kills} kills");
    assert!(kills > 0, "the run was too quick to be killed");
}

/// Bad rows of a job's earlier runs stay in the file.
#[test]
fn rejects_of_a_job_are_added_to() {
    let folder = Folder::new();
    folder.write("in.csv", "id\nx\n1\n");
    let from = folder.url("csv", "in.csv");
    folder.write("rejects", "{\"from\":\"before\"}\n");
    let rejects = format!("--rejects={}", folder.at("rejects"));
    let options = ["id=id:INTEGER", &rejects, "--job=load"];
    converts(&from, &folder.url("csv", "out.csv"), &options);
    let lines = folder.read("rejects");
    assert!(lines.starts_with("{\"from\":\"before\"}\n") && lines.lines().count() == 2, "{lines}");
}
