//! Posting to a server on the loopback.

mod cancel;
mod jobs;
#[cfg(unix)]
mod kills;

#[path = "../http_support/mod.rs"]
mod http_support;

use http_support::{Answer, Asked, End, Server, answer};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trommel::{
    CancelToken, Commit, Durability, Encode, Engine, ErrorKind, Options, Page as _, Pipeline,
    Reject, RejectPolicy, Result, Retry, RunReport, Sink, sources,
};
use trommel_connect::http::{self, Ndjson, Post, Records};

#[derive(Serialize)]
struct Row<'a> {
    id: u64,
    name: &'a str,
}

fn engine() -> Engine {
    Engine::builder().workers(2).build().unwrap()
}

fn quick(url: impl Into<String>) -> Post {
    let short = Duration::from_millis(1);
    http::post(url).retry(Retry { attempts: 3, initial: short, max: short })
}

fn load(rows: u64, options: Options, sink: http::Sink<Ndjson>) -> Result<RunReport> {
    Pipeline::from(sources::generate(rows, |id| id))
        .options(options)
        .transform(|id, out| out.emit(&Row { id, name: "sand" }))
        .load_into(sink)
        .run(&engine())
}

/// Batches that are one page each.
fn batches_of(rows: usize) -> Options {
    Options::builder().fixed_batch_size(rows).transform_concurrency(1).build().unwrap()
}

fn ids(asked: &Asked) -> Vec<u64> {
    let id = |line: &str| {
        let (_, rest) = line.split_once("\"id\":").unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    asked.text().lines().map(id).collect()
}

fn all_ids(server: &Server) -> Vec<u64> {
    server.asked().iter().flat_map(ids).collect()
}

fn key(asked: &Asked) -> String {
    asked.header("idempotency-key").unwrap().to_owned()
}

#[test]
fn records_are_posted_in_order_in_each_encoding() {
    let server = Server::script([answer(201, "taken").ending(End::Chunked)]);
    let post = || http::post(server.at("/in?a=1")).header("X-Test", "1").bearer("secret");
    let report = load(1000, batches_of(100), post().ndjson()).unwrap();
    assert_eq!(report.counts.loaded, 1000);
    assert!(all_ids(&server).into_iter().eq(0..1000));
    let asked = &server.asked()[0];
    assert_eq!((&asked.method[..], &asked.path[..]), ("POST", "/in?a=1"));
    assert_eq!(asked.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(asked.header("authorization"), Some("Bearer secret"));
    assert_eq!(asked.header("x-test"), Some("1"));
    assert!(
        asked.text().starts_with("{\"id\":0,\"name\":\"sand\"}\n{\"id\":1,"),
        "{}",
        asked.text()
    );
    assert!(!format!("{:?}", post()).contains("secret"));

    let server = Server::script([answer(204, "")]);
    Pipeline::from(sources::generate(3, |id| id))
        .transform(|id, out| out.emit(&Row { id, name: "a\nb" }))
        .load_into(http::post(&server.url).rows_per_request(2).json_array())
        .run(&engine())
        .unwrap();
    let bodies: Vec<String> = server.asked().iter().map(Asked::text).collect();
    assert_eq!(
        bodies,
        [r#"[{"id":0,"name":"a\nb"},{"id":1,"name":"a\nb"}]"#, r#"[{"id":2,"name":"a\nb"}]"#,]
    );
    assert_eq!(server.asked()[0].header("content-type"), Some("application/json"));

    let server = Server::script([answer(200, "")]);
    Pipeline::from(sources::generate(3, |id| id))
        .transform(|id, out| out.line().int(id).emit())
        .load_into(http::post(&server.url).rows_per_request(9).lines())
        .run(&engine())
        .unwrap();
    let post = http::post(&server.url).header("content-type", "text/csv").key_header("");
    Pipeline::from(sources::generate(3, |id| id))
        .transform(|id, out| out.line().int(id).char(';').emit())
        .load_into(post.rows_per_request(9).raw())
        .run(&engine())
        .unwrap();
    let asked = server.asked();
    assert_eq!((asked[0].text(), asked[1].text()), ("0\n1\n2\n".into(), "0;1;2;".into()));
    assert_eq!(asked[1].header("content-type"), Some("text/csv"));
    assert_eq!(asked[1].header("idempotency-key"), None);
}

#[test]
fn a_request_that_passes_later_is_sent_again_with_the_same_key() {
    let server = Server::script([
        answer(503, ""),
        answer(200, "").ending(End::Nothing),
        answer(429, ""),
        answer(200, ""),
    ]);
    let report = load(10, batches_of(10), quick(&server.url).ndjson()).unwrap();
    assert_eq!(report.counts.loaded, 10);
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|one| key(one) == key(&asked[0]) && ids(one) == ids(&asked[0])));

    let server = Server::script([answer(500, "out of sand")]);
    let error = load(10, batches_of(10), quick(server.at("/in?key=x")).ndjson()).unwrap_err();
    let said = error.to_string();
    let says = "/in?… was answered with status 500 in each of 4 attempts: out of sand";
    assert!(said.contains(says), "{said}");
    let counts = error.report().unwrap().counts;
    assert_eq!((counts.loaded, counts.abandoned), (0, 10));
}

#[test]
fn a_server_that_says_when_is_asked_then() {
    let server = Server::script([answer(429, "").with("Retry-After", 1), answer(200, "")]);
    load(10, batches_of(10), quick(&server.url).ndjson()).unwrap();
    let asked = server.asked();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));

    let server = Server::script([answer(429, "").with("Retry-After", 3600)]);
    let error = load(10, batches_of(10), quick(&server.url).ndjson()).unwrap_err().to_string();
    assert!(error.contains("asks to wait for 3600s"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_cancel_ends_a_pause() {
    let cancel = CancelToken::new();
    let token = cancel.clone();
    let server = Server::start(move |_, _| {
        token.cancel();
        answer(503, "").with("Retry-After", 30)
    });
    let began = Instant::now();
    let error = Pipeline::from(sources::generate(10, |id| id))
        .cancel_with(&cancel)
        .transform(|id, out| out.emit(&Row { id, name: "sand" }))
        .load_into(http::post(&server.url).cancel_with(&cancel, Duration::ZERO).ndjson())
        .run(&engine())
        .unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    let counts = error.report().unwrap().counts;
    assert!(counts.add_up());
    assert_eq!(counts.loaded, 0);
}

#[test]
fn several_connections_work_at_once_and_lose_nothing() {
    // Each answer waits for a second request to come, so one connection alone would not do.
    let waiting = Arc::new((Mutex::new(0u32), std::sync::Condvar::new()));
    let server = Server::start(move |_, _| {
        let (count, changed) = &*waiting;
        let mut count = count.lock().unwrap();
        *count += 1;
        changed.notify_all();
        let second = |count: &mut u32| *count < 2;
        let (_count, wait) =
            changed.wait_timeout_while(count, Duration::from_secs(10), second).unwrap();
        answer(if wait.timed_out() { 400 } else { 200 }, "")
    });
    let report = load(1000, batches_of(50), quick(&server.url).connections(4).ndjson()).unwrap();
    assert_eq!(report.counts.loaded, 1000);
    let mut found = all_ids(&server);
    found.sort_unstable();
    assert!(found.into_iter().eq(0..1000));
    assert_eq!(server.asked().iter().map(key).collect::<HashSet<_>>().len(), 20);
}

#[test]
fn a_failure_on_one_of_several_connections_ends_the_run() {
    let server = Server::start(|number, _| answer(if number == 7 { 403 } else { 200 }, "no"));
    let error = load(100_000, batches_of(50), quick(&server.url).connections(3).ndjson());
    let error = error.unwrap_err();
    assert!(error.to_string().contains("status 403 (check the credentials): no"), "{error}");
    let counts = error.report().unwrap().counts;
    assert!(counts.add_up());
    let refused = ids(&server.asked()[7]).len() as u64;
    let taken = all_ids(&server).len() as u64 - refused;
    assert!(counts.loaded <= taken && taken < 100_000, "{counts:?}, taken {taken}");
}

#[test]
fn refusals_end_the_run_or_reject_the_rows_that_are_refused_alone() {
    let bad: HashSet<u64> = [3, 4, 77].into();
    let refusing = {
        let bad = bad.clone();
        move |_: usize, asked: &Asked| match ids(asked).iter().find(|id| bad.contains(id)) {
            Some(id) => answer(422, format!("id {id} is bad")),
            None => answer(200, ""),
        }
    };
    let server = Server::start(refusing.clone());
    let error = load(100, batches_of(50), quick(&server.url).ndjson()).unwrap_err().to_string();
    assert!(error.contains("status 422: id 3 is bad"), "{error}");
    assert_eq!(server.asked().len(), 1);

    let server = Server::start(refusing);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            keep.lock().unwrap().push((reject.record.unwrap(), reject.reason.clone()));
            Ok(())
        },
        9,
    );
    let options = Options::builder().fixed_batch_size(50).on_reject(policy).build().unwrap();
    let report = load(100, options, quick(&server.url).reject_refused(true).ndjson()).unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (97, 3));
    let kept = kept.lock().unwrap();
    assert_eq!(kept.iter().map(|(record, _)| *record).collect::<HashSet<_>>(), bad);
    assert!(kept[0].1.contains("status 422: id 3 is bad"), "{}", kept[0].1);
    let mut taken: Vec<u64> = server
        .asked()
        .iter()
        .map(ids)
        .filter(|ids| !ids.iter().any(|id| bad.contains(id)))
        .flatten()
        .collect();
    taken.sort_unstable();
    assert!(taken.into_iter().eq((0..100).filter(|id| !bad.contains(id))), "each good row once");

    // Wrong credentials are not the rows' fault.
    let server = Server::script([answer(401, "")]);
    let sink = quick(&server.url).reject_refused(true).ndjson();
    let options = Options::builder().on_reject(RejectPolicy::skip(1000)).build().unwrap();
    assert!(load(100, options, sink).unwrap_err().to_string().contains("check the credentials"));
}

#[test]
fn options_that_can_not_work_are_refused_before_anything_is_read() {
    let refused = |sink: http::Sink<Ndjson>, says: &str| {
        let error = load(1, Options::default(), sink).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(http::post("mailto:x").ndjson(), "url: ");
    let post = || http::post("http://127.0.0.1:9/").reject_refused(true);
    refused(post().connections(2).ndjson(), "reject_refused: ");
    refused(post().rows_per_request(2).ndjson(), "reject_refused: ");
    let job = |post: Post| {
        let run = Pipeline::from(sources::generate(1, |id| id))
            .resumable("job")
            .transform(|id, out| out.emit(&Row { id, name: "" }))
            .load_into(post.ndjson())
            .run(&engine());
        run.unwrap_err().to_string()
    };
    let said = job(http::post("http://127.0.0.1:9/"));
    assert!(said.contains("name a file for them with `checkpoints`"), "{said}");
    let said = job(http::post("http://127.0.0.1:9/").checkpoints("/nowhere/x"));
    assert!(said.contains("rows_per_request: "), "{said}");
    let said = job(http::post("http://127.0.0.1:9/").checkpoints("/nowhere/x").rows_per_request(1));
    assert!(said.contains("cannot lock /nowhere/x"), "{said}");
}
