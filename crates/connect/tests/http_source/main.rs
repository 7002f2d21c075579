//! Bodies and pages from a server on the loopback.

mod pages;
mod tls;

#[path = "../http_support/mod.rs"]
mod http_support;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_support::{Answer, End, Server, answer};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use trommel::{
    Batch, CancelToken, Engine, ErrorKind, Fill, Limit, Options, Pipeline, Retry, Source, sinks,
};
use trommel_connect::http::{self, Get, Request};
use trommel_connect::lines;

fn engine() -> Engine {
    Engine::builder().workers(2).build().unwrap()
}

fn quick(get: Get) -> Get {
    let short = Duration::from_millis(1);
    get.retry(Retry { attempts: 4, initial: short, max: short })
}

fn lines_of(source: impl Source<Batch = lines::Batch>) -> trommel::Result<Vec<String>> {
    let mut found = sinks::collect();
    Pipeline::from(source)
        .map(|line: &[u8]| String::from_utf8_lossy(line).into_owned())
        .load_into(&mut found)
        .run(&engine())?;
    Ok(found.into_vec())
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_body_is_read_however_it_is_framed_and_packed() {
    for answer in [
        answer(200, "sand\ngravel\nclay"),
        answer(200, "sand\ngravel\nclay").ending(End::Chunked),
        answer(200, gzip("sand\ngravel\nclay\n")).with("Content-Encoding", "gzip"),
        answer(200, gzip("sand\ngravel\nclay\n"))
            .with("Content-Encoding", "gzip")
            .ending(End::Chunked),
    ] {
        let server = Server::script([answer]);
        let get = http::get(server.at("/a?b=c")).header("X-Test", "1").bearer("secret");
        assert_eq!(lines_of(get.lines().unwrap()).unwrap(), ["sand", "gravel", "clay"]);
        let asked = &server.asked()[0];
        assert_eq!((&asked.method[..], &asked.path[..]), ("GET", "/a?b=c"));
        assert_eq!(asked.header("x-test"), Some("1"));
        assert_eq!(asked.header("authorization"), Some("Bearer secret"));
        assert!(asked.header("accept-encoding").unwrap().contains("gzip"));
        assert!(!format!("{get:?}").contains("secret"), "{get:?}");
    }
}

#[test]
fn a_body_that_breaks_off_is_an_error_and_never_an_end() {
    let packed = gzip("sand\ngravel\nclay\n");
    let half = packed[..packed.len() - 9].to_vec();
    for (answer, says) in [
        (answer(200, "sand\ngravel\n").ending(End::Short), "disconnected"),
        (answer(200, "sand\ngravel\n").ending(End::ShortChunked), ""),
        (answer(200, "sand\ngravel\n").ending(End::Reset), ""),
        (answer(200, half).with("Content-Encoding", "gzip"), "gzip"),
    ] {
        let end = answer.end;
        let server = Server::script([answer]);
        let error =
            lines_of(http::get(server.at("/rows?key=secret")).lines().unwrap()).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Io, "{end:?}: {said}");
        assert!(said.contains(&server.at("/rows")) && said.contains("broke off after"), "{said}");
        assert!(said.contains(says) && !said.contains("secret"), "{end:?}: {said}");
        if end == End::Short {
            assert_eq!(error.report().unwrap().counts.loaded, 2);
        }
        // What has been read can't be asked for again.
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn a_server_that_falls_silent_ends_the_run_after_the_idle_timeout() {
    let server = Server::script([answer(200, "one\n").ending(End::Silence)]);
    let get = http::get(&server.url).idle_timeout(Duration::from_millis(50));
    let error = lines_of(get.lines().unwrap()).unwrap_err().to_string();
    assert!(error.contains("broke off after 4 bytes: timeout"), "{error}");
}

#[test]
fn a_cancel_ends_a_run_while_the_server_is_silent() {
    let server = Server::script([answer(200, "one\n").ending(End::Silence)]);
    let source = http::get(&server.url).lines().unwrap();
    let (cancel, loaded) = (CancelToken::new(), std::sync::mpsc::channel());
    let run = thread::spawn({
        let cancel = cancel.clone();
        move || {
            let mut sink = sinks::for_each(move |bytes: usize| {
                loaded.0.send(bytes).unwrap();
                Ok(())
            });
            let run = Pipeline::from(source)
                .cancel_with(&cancel)
                .map(|line: &[u8]| line.len())
                .load_into(&mut sink)
                .run(&engine());
            run.unwrap_err()
        }
    });
    assert_eq!(loaded.1.recv().unwrap(), 3);
    let began = Instant::now();
    cancel.cancel();
    let error = run.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn what_passes_is_asked_for_again() {
    let server = Server::script([
        answer(503, ""),
        answer(200, "").ending(End::Nothing),
        answer(429, "slow down"),
        answer(408, ""),
        answer(200, "row\n"),
    ]);
    assert_eq!(lines_of(quick(http::get(&server.url)).lines().unwrap()).unwrap(), ["row"]);
    assert_eq!(server.asked().len(), 5);

    let server = Server::script([answer(502, "bad\r\ngateway")]);
    let error = quick(http::get(server.at("/x"))).lines().unwrap_err().to_string();
    let says = "/x was answered with status 502 in each of 5 attempts: bad  gateway";
    assert!(error.contains(says), "{error}");
}

#[test]
fn a_server_that_says_when_is_asked_then() {
    let server = Server::script([answer(503, "").with("Retry-After", 1), answer(200, "row\n")]);
    assert_eq!(lines_of(quick(http::get(&server.url)).lines().unwrap()).unwrap(), ["row"]);
    let asked = server.asked();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));

    // As a date that has passed: at once, not after the pause.
    let server = Server::script([
        answer(503, "").with("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),
        answer(200, "row\n"),
    ]);
    let hour = Duration::from_secs(3600);
    let get = http::get(&server.url).retry(Retry { attempts: 1, initial: hour, max: hour });
    assert_eq!(lines_of(get.lines().unwrap()).unwrap(), ["row"]);

    // Too long to wait.
    let server = Server::script([answer(503, "maintenance").with("Retry-After", 3600)]);
    let error = quick(http::get(&server.url)).lines().unwrap_err().to_string();
    assert!(error.contains("asks to wait for 3600s, longer than longest_retry_after"), "{error}");
    assert!(error.contains("maintenance"), "{error}");
}

#[test]
fn refusals_say_what_and_where_without_secrets() {
    let long = "x".repeat(3000);
    for (status, body, says) in [
        (404, "no such thing", "status 404 (check the URL): no such thing"),
        (401, "", "status 401 (check the credentials): an empty body"),
        (304, "", "status 304"),
        (418, &long[..], "xxx…"),
    ] {
        let server = Server::script([answer(status, body)]);
        let address = server.at("/a?token=hidden").replace("//", "//anna:hidden@");
        let error = http::get(address).lines().unwrap_err();
        let said = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(said.contains(&format!("GET {}", server.at("/a?…"))), "{said}");
        assert!(said.contains(says) && !said.contains("hidden") && said.len() < 800, "{said}");
        assert_eq!(server.asked().len(), 1);
    }
    let none = Retry::NONE;
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = http::get(format!("http://{free}/")).retry(none).lines().unwrap_err().to_string();
    assert!(error.contains("GET http://127.0.0.1") && error.contains("refused"), "{error}");
    for bad in ["ftp://host/", "host/x", "http://", "http://a b/"] {
        let error = http::get(bad).retry(none).lines().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{bad}: {error}");
    }
    let error = http::get("http://127.0.0.1/").header("X", "a\nb").retry(none).lines().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    let error = http::get("https://127.0.0.1/").root_certificates("none").lines().unwrap_err();
    assert!(error.to_string().contains("root_certificates: there is no certificate"), "{error}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let get = http::get(url).answer_timeout(Duration::from_millis(50)).retry(Retry::NONE);
    let error = get.lines().unwrap_err().to_string();
    assert!(error.contains("timeout"), "{error}");
}

#[cfg(feature = "csv")]
#[test]
fn any_format_reads_a_body_or_pages() {
    use trommel_connect::csv;
    let server = Server::script([
        answer(200, "id,name\n1,sand\n").with("Link", "</2>; rel=next"),
        answer(200, "id,name\n2,clay\n"),
    ]);
    fn ids(source: impl Source<Batch = csv::Batch>) -> Vec<u32> {
        let mut ids = sinks::collect();
        Pipeline::from(source)
            .transform(|row: csv::Row<'_>, out| out.emit(row.get::<u32>("id")?))
            .load_into(&mut ids)
            .run(&engine())
            .unwrap();
        ids.into_vec()
    }
    assert_eq!(
        ids(http::get(&server.url).pages().source(csv::Source::from_reader).unwrap()),
        [1, 2]
    );
    let source = http::get(&server.url).source(csv::Source::from_reader).unwrap();
    assert_eq!(source.get_ref().headers().collect::<Vec<_>>(), ["id", "name"]);
}
