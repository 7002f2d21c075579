//! Pages: followed, resumed, refused.

use super::*;

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
