//! Loads that are started again: keys, checkpoints.

use super::*;

/// What a server keeps that takes each key once.
#[derive(Default)]
pub(super) struct Once(Mutex<(HashMap<String, Vec<u64>>, u64)>);

impl Once {
    /// Takes a request, or knows it again.
    pub(super) fn take(&self, asked: &Asked) -> Answer {
        let mut taken = self.0.lock().unwrap();
        if let Some(before) = taken.0.insert(key(asked), ids(asked)) {
            assert_eq!(before, ids(asked), "a key stands for the same records");
            taken.1 += 1;
        }
        answer(200, "")
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.0.lock().unwrap().0.values().flatten().copied().collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn known_again(&self) -> u64 {
        self.0.lock().unwrap().1
    }
}

#[test]
fn a_load_started_again_sends_the_same_keys_whatever_its_batches() {
    let once = Arc::new(Once::default());
    let keep = Arc::clone(&once);
    let server = Server::start(move |_, asked| keep.take(asked));
    let post = || http::post(&server.url).job("flights 2013/é").rows_per_request(64);
    load(1000, batches_of(100), post().ndjson()).unwrap();
    assert_eq!(once.known_again(), 0);
    for options in [batches_of(7), batches_of(1000), Options::default()] {
        load(1000, options, post().connections(2).ndjson()).unwrap();
    }
    assert_eq!(once.known_again(), 3 * 16);
    assert!(once.ids().into_iter().eq(0..1000));
    assert!(key(&server.asked()[0]).starts_with("flights%202013%2F%C3%A9-0-"));

    // By bytes, too, requests are cut the same; and another input has other keys.
    let post = || http::post(&server.url).job("bytes").rows_per_request(64).max_body_bytes(700);
    load(1000, batches_of(100), post().ndjson()).unwrap();
    let before = once.known_again();
    let count = server.asked().len();
    load(1000, batches_of(33), post().ndjson()).unwrap();
    assert_eq!(once.known_again() - before, (server.asked().len() - count) as u64);
    let cut = |asked: &Asked| !key(asked).starts_with("bytes") || asked.body.len() < 740;
    assert!(server.asked().iter().all(cut));
}

#[test]
fn keys_of_other_runs_and_other_records_are_other_keys() {
    let server = Server::script([answer(200, "")]);
    for _ in 0..2 {
        load(10, batches_of(10), http::post(&server.url).ndjson()).unwrap();
    }
    for rows in [10, 9] {
        load(rows, batches_of(10), http::post(&server.url).job("a").ndjson()).unwrap();
    }
    assert_eq!(server.asked().iter().map(key).collect::<HashSet<_>>().len(), 4);
}

fn page(ids: std::ops::Range<u64>) -> Records {
    let mut page = Records::default();
    for id in ids {
        http::Sink::<Ndjson>::encode(&(), &mut page, &Row { id, name: "sand" }).unwrap();
    }
    page
}

#[test]
fn a_job_goes_on_from_its_checkpoint_wherever_it_was_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let run = |file: &std::path::Path, url: &str, dies_after: Option<u64>, known: &mut u64| {
        let mut sink = http::post(url).rows_per_request(64).checkpoints(file).ndjson();
        let before = sink.resume("job").unwrap().unwrap_or_default();
        if before.finished {
            return true;
        }
        let from = before.counts.read;
        *known = from;
        sink.encoder().unwrap();
        let mut checkpoint = before;
        for start in (from..1000).step_by(50) {
            if dies_after.is_some_and(|rows| start >= rows) {
                // As a kill does: nothing is finished, nothing taken back.
                drop(sink);
                return false;
            }
            let mut page = page(start..(start + 50).min(1000));
            sink.write(&mut page).unwrap();
            page.clear();
            checkpoint.counts.read = (start + 50).min(1000);
            // Stored now and then, as when a second has passed.
            let when = if start % 150 == 0 { Commit::Now } else { Commit::Grouped };
            let durable = sink.commit(&checkpoint, when).unwrap();
            assert_eq!(durable == Durability::Stored, when == Commit::Now);
        }
        sink.finish().unwrap();
        false
    };
    for stop in (0..1000).step_by(50) {
        let once = Arc::new(Once::default());
        let keep = Arc::clone(&once);
        let server = Server::start(move |_, asked| keep.take(asked));
        let file = dir.path().join(format!("{stop}.checkpoint"));
        let mut from = 0;
        assert!(!run(&file, &server.url, Some(stop), &mut from));
        assert!(!run(&file, &server.url, None, &mut from));
        assert!(stop < 50 || from > 0 && from <= stop && stop - from < 150, "{stop}: from {from}");
        assert!(once.ids().into_iter().eq(0..1000), "stopped at {stop}: each row once");
        let asked = server.asked().len();
        assert!(run(&file, &server.url, None, &mut from), "a finished job says so");
        assert_eq!(server.asked().len(), asked);
    }
}

#[test]
fn a_checkpoint_of_another_job_in_use_or_damaged_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("checkpoint");
    let sink =
        || http::post("http://127.0.0.1:9/").rows_per_request(64).checkpoints(&file).ndjson();
    let mut first = sink();
    assert!(first.resume("job").unwrap().is_none());
    let error = sink().resume("job").unwrap_err().to_string();
    assert!(error.contains("another process runs the job"), "{error}");
    first.encoder().unwrap();
    first.write(&mut page(0..3)).unwrap();
    first.commit(&Default::default(), Commit::Now).unwrap();
    drop(first);
    let error = sink().resume("other").unwrap_err().to_string();
    assert!(error.contains("belongs to the job `job`, not to `other`"), "{error}");
    let whole = std::fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() - 1], &whole[..10], b"", b"nonsense\n"] {
        std::fs::write(&file, damaged).unwrap();
        let error = sink().resume("job").unwrap_err().to_string();
        assert!(error.contains("remove it to load everything from the start"), "{error}");
    }
}

#[test]
fn a_resumable_pipeline_finishes_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::script([answer(200, "")]);
    for run in 0..2 {
        let post = http::post(&server.url).rows_per_request(100);
        let report = Pipeline::from(sources::generate(1000, |id| id))
            .resumable("job")
            .transform(|id, out| out.emit(&Row { id, name: "sand" }))
            .load_into(post.checkpoints(dir.path().join("checkpoint")).ndjson())
            .run(&engine())
            .unwrap();
        assert_eq!(server.asked().len(), 10, "run {run}");
        assert_eq!(report.counts.loaded, if run == 0 { 1000 } else { 0 });
    }
    assert!(all_ids(&server).into_iter().eq(0..1000));
}
