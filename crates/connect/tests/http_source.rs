//! Bodies and pages from a server on the loopback.

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

/// Pages of three rows: page 1 leads to 2, 2 to 3.
fn page(asked: &http_support::Asked) -> (u64, String) {
    let number = asked.path.rsplit('=').next().unwrap().parse().unwrap_or(1);
    let rows = (0..3).map(|row| format!("{{\"id\":\n{}}}", number * 10 + row));
    (number, rows.collect::<Vec<_>>().join(","))
}

fn ids(pages: &[u64]) -> Vec<String> {
    let row = |page: &u64| {
        let page = *page;
        (0..3).map(move |row| format!("{{\"id\": {}}}", page * 10 + row))
    };
    pages.iter().flat_map(row).collect()
}

#[test]
fn pages_follow_links_pointers_and_cursors() {
    let links = Server::start(|_, asked| {
        let (number, rows) = page(asked);
        let answer = answer(200, format!("[{rows}]"));
        match number {
            3 => answer.with("Link", "</rows?page=1>; rel=\"first\""),
            _ => answer.with("Link", format!("<?page={}>; rel=\"next\"", number + 1)),
        }
    });
    let source = http::get(links.at("/rows?page=1")).pages().items_at("").lines().unwrap();
    assert_eq!(lines_of(source).unwrap(), ids(&[1, 2, 3]));
    assert_eq!(
        links.asked().iter().map(|asked| &asked.path[..]).collect::<Vec<_>>(),
        ["/rows?page=1", "/rows?page=2", "/rows?page=3",]
    );

    let pointers = Server::start(|_, asked| {
        let (number, rows) = page(asked);
        let next = match number {
            3 => "null".to_owned(),
            _ => format!("\"/rows?page={}\"", number + 1),
        };
        answer(
            200,
            format!("{{\"a/b\": [{{\"next\": {next}}}], \"data\": {{\"rows\": [{rows}]}}}}"),
        )
    });
    let pages = http::get(pointers.at("/rows?page=1")).pages();
    let source = pages.next_at("/a~1b/0/next").items_at("/data/rows").lines().unwrap();
    assert_eq!(lines_of(source).unwrap(), ids(&[1, 2, 3]));

    let cursors = Server::start(|_, asked| {
        let (number, rows) = match asked.header("x-cursor") {
            None => (1, "1\n2\n"),
            Some("two") => (2, ""),
            Some(_) => (3, "3\n"),
        };
        let cursor = ["two", "three", ""][number - 1];
        answer(200, rows).with("X-Next", cursor)
    });
    let pages = http::get(&cursors.url).pages().next_by(|page| {
        let cursor = page.header("x-next").filter(|cursor| !cursor.is_empty());
        Ok(cursor.map(|cursor| Request::get(page.url()).header("X-Cursor", cursor)))
    });
    assert_eq!(lines_of(pages.lines().unwrap()).unwrap(), ["1", "2", "3"]);
}

#[test]
fn pages_are_resumed_at_any_row() {
    let server = Server::start(|_, asked| {
        let (number, _) = page(asked);
        let rows: String = (0..3).map(|row| format!("{}\n", number * 10 + row)).collect();
        match number {
            3 => answer(200, rows),
            _ => answer(200, rows).with("Link", format!("</?page={}>; rel=next", number + 1)),
        }
    });
    let open = || http::get(server.at("/?page=1")).pages().lines().unwrap();
    let limit = Limit::of_rows(1);
    let mut first = open();
    let mut wanted: Vec<String> = ["10", "11", "12", "20", "21", "22", "30", "31", "32"]
        .iter()
        .map(ToString::to_string)
        .collect();
    loop {
        // Before the first row, after each, and after the last.
        let position = first.position().unwrap();
        let mut resumed = open();
        resumed.seek(&position).unwrap();
        assert_eq!(rest(&mut resumed), wanted, "{position:?}");
        if wanted.is_empty() {
            return;
        }
        let mut batch = lines::Batch::default();
        while rows(&mut batch).is_empty() {
            first.fill(&mut batch, &limit).unwrap();
        }
        wanted.remove(0);
    }
}

fn rows(batch: &mut lines::Batch) -> Vec<String> {
    let mut rows = Vec::new();
    let visited = batch.for_each(0, |row| {
        rows.push(String::from_utf8(row?.to_vec()).unwrap());
        Ok(())
    });
    visited.unwrap();
    rows
}

fn rest(source: &mut impl Source<Batch = lines::Batch>) -> Vec<String> {
    let (mut found, mut batch) = (Vec::new(), lines::Batch::default());
    loop {
        let filled = source.fill(&mut batch, &Limit::of_rows(2)).unwrap();
        found.extend(rows(&mut batch));
        if filled == Fill::End {
            return found;
        }
    }
}

#[test]
fn a_page_that_changed_since_is_not_resumed_from() {
    let rows = Arc::new(Mutex::new("1\n2\n3\n"));
    let now = Arc::clone(&rows);
    let server = Server::start(move |_, _| answer(200, *now.lock().unwrap()));
    let open = || http::get(&server.url).pages().lines().unwrap();
    let mut first = open();
    let mut batch = lines::Batch::default();
    first.fill(&mut batch, &Limit::of_rows(2)).unwrap();
    let position = first.position().unwrap();
    *rows.lock().unwrap() = "1\n";
    let mut resumed = open();
    resumed.seek(&position).unwrap();
    let error = resumed.fill(&mut batch, &Limit::of_rows(2)).unwrap_err().to_string();
    assert!(error.contains("has 1 rows less than an earlier run has loaded of it"), "{error}");
}

#[test]
fn pages_that_can_not_be_followed_are_errors() {
    let cases: [(Answer, &str); 7] = [
        (answer(200, "{}"), "has no array at `/rows`"),
        (answer(200, "{\"rows\": 7}"), "has no array at `/rows`"),
        (answer(200, "{\"rows\": ["), "is not JSON"),
        (
            answer(200, "{\"rows\": []}").with("Link", "<http://other/>; rel=next"),
            "allow it with other_hosts",
        ),
        (answer(200, "{\"rows\": []}").with("Link", "</x?page=1>; rel=next"), "leads to itself"),
        (
            answer(200, vec![b' '; 2000]),
            "larger than the limit of 1000 bytes; raise max_page_bytes",
        ),
        (answer(200, "{\"rows\":").ending(End::Short), "broke off after 8 bytes"),
    ];
    for (answer, says) in cases {
        let server = Server::script([answer]);
        let pages = quick(http::get(server.at("/x?page=1"))).pages();
        let source = pages.items_at("/rows").max_page_bytes(1000).lines().unwrap();
        let said = lines_of(source).unwrap_err().to_string();
        assert!(said.contains(says) && !said.contains("page=1"), "{says}: {said}");
    }
    // A later page fails: the rows before it are loaded.
    let server =
        Server::script([answer(200, "1\n2\n").with("Link", "</2>; rel=next"), answer(410, "gone")]);
    let error = lines_of(http::get(&server.url).pages().lines().unwrap()).unwrap_err();
    assert!(error.to_string().contains("/2 was answered with status 410"), "{error}");
    assert_eq!(error.report().unwrap().counts.loaded, 2);
}

#[test]
fn a_cancel_ends_the_wait_for_a_page() {
    let server = Server::script([
        answer(200, "1\n").with("Link", "</2>; rel=next"),
        answer(503, "").with("Retry-After", 30),
    ]);
    let source = http::get(&server.url).pages().lines().unwrap();
    let cancel = CancelToken::new();
    let token = cancel.clone();
    let began = Instant::now();
    let mut sink = sinks::for_each(move |_| {
        token.cancel();
        Ok(())
    });
    let error = Pipeline::from(source)
        .options(Options::builder().build().unwrap())
        .cancel_with(&cancel)
        .map(|line: &[u8]| line.len())
        .load_into(&mut sink)
        .run(&engine())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(5));
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
