//! Lines to a peer.

use super::*;

/// Loads ids until the sink fails or all are sent.
fn send(rows: u64, options: Options, sink: socket::Sink) -> trommel::Result<trommel::RunReport> {
    Pipeline::from(sources::generate(rows, |id| id))
        .options(options)
        .transform(|id, out| out.line().int(id).emit())
        .load_into(sink)
        .run(&engine())
}

/// A peer that reads one connection to its end.
fn reading_peer() -> (socket::Builder, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket::tcp(listener.local_addr().unwrap().to_string());
    let reader = thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    (target, reader)
}

#[test]
fn a_load_ends_when_the_peer_has_read_everything() {
    let (target, reader) = reading_peer();
    let report = send(100_000, Options::default(), target.sink()).unwrap();
    assert_eq!(report.counts.loaded, 100_000);
    let text = reader.join().unwrap();
    assert!(text.lines().enumerate().all(|(row, line)| line.parse() == Ok(row)));
    assert_eq!(text.lines().count(), 100_000);
}

#[test]
fn a_peer_that_dies_or_stalls_ends_a_load_with_what_is_known() {
    // It closes while rows are sent.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket::tcp(listener.local_addr().unwrap().to_string());
    let peer = thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        peer.read_exact(&mut [0; 10]).unwrap();
        reset(peer);
    });
    let error = send(50_000_000, Options::default(), target.clone().sink()).unwrap_err();
    peer.join().unwrap();
    let said = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(said.contains("has closed the connection after") && said.contains("records"), "{said}");
    assert!(error.report().unwrap().counts.add_up());

    // It reads nothing any more.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket::tcp(listener.local_addr().unwrap().to_string());
    let stalling = target.clone().write_timeout(Duration::from_millis(50));
    let error = send(50_000_000, Options::default(), stalling.sink()).unwrap_err().to_string();
    assert!(error.contains("has taken nothing for 50ms"), "{error}");
    drop(listener.accept().unwrap());

    // It never closes: that it has read everything is not known.
    let keeping = target.clone().close_timeout(Duration::from_millis(30));
    let error = send(10, Options::default(), keeping.sink()).unwrap_err().to_string();
    assert!(error.contains("has not closed the connection within 30ms"), "{error}");
    send(10, Options::default(), target.clone().close_timeout(Duration::ZERO).sink()).unwrap();

    // It goes without reading everything.
    let peer = thread::spawn(move || {
        // The two connections above are accepted first.
        drop((listener.accept().unwrap(), listener.accept().unwrap()));
        let mut peer = listener.accept().unwrap().0;
        peer.read_exact(&mut [0; 2]).unwrap();
        peer.shutdown(Shutdown::Read).unwrap();
        reset(peer);
    });
    let error = send(10, Options::default(), target.sink()).unwrap_err().to_string();
    assert!(error.contains("broke the connection before it had read all 10 records"), "{error}");
    peer.join().unwrap();
}

#[test]
fn a_lost_peer_is_replaced_by_option_and_rows_come_at_least_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket::tcp(listener.local_addr().unwrap().to_string());
    let reader = thread::spawn(move || {
        let mut first = listener.accept().unwrap().0;
        let mut text = vec![0; 100];
        first.read_exact(&mut text).unwrap();
        reset(first);
        let mut second = String::new();
        listener.accept().unwrap().0.read_to_string(&mut second).unwrap();
        second
    });
    let options = Options::builder().retry(Retry::times(5)).build().unwrap();
    let report = send(3_000_000, options, target.reconnect(true).sink()).unwrap();
    assert!(report.retries >= 1);
    let second = reader.join().unwrap();
    let rows: Vec<u64> = second.lines().map(|line| line.parse().unwrap()).collect();
    // The page at hand was sent again from its start, and nothing behind it is missing.
    assert_eq!(*rows.last().unwrap(), 2_999_999);
    assert!(rows.windows(2).all(|pair| pair[0] + 1 == pair[1]));
}

#[test]
fn a_record_that_would_be_two_is_a_bad_row() {
    let (target, reader) = reading_peer();
    let report = Pipeline::from(sources::iter(["a", "b\nc", "d\n", ""]))
        .options(Options::builder().on_reject(RejectPolicy::skip(1)).build().unwrap())
        .transform(|text, out| out.emit(*text))
        .load_into(target.sink())
        .run(&engine())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (3, 1));
    assert_eq!(reader.join().unwrap(), "a\nd\n\n");
}

/// Nothing has a limit here but the grace: what is not given up hangs.
#[test]
fn a_cancel_gives_up_a_peer_that_does_not_read_or_close() {
    let for_ever = || loop {
        thread::park();
    };
    let patient = |listener: &TcpListener, cancel: &CancelToken| {
        socket::tcp(listener.local_addr().unwrap().to_string())
            .write_timeout(Duration::ZERO)
            .close_timeout(Duration::from_secs(1 << 30))
            .cancel_with(cancel, Duration::from_millis(50))
            .sink()
    };
    let (listener, cancel) = (TcpListener::bind("127.0.0.1:0").unwrap(), CancelToken::new());
    let sink = patient(&listener, &cancel);
    let token = cancel.clone();
    thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        peer.read_exact(&mut [0]).unwrap();
        token.cancel();
        for_ever()
    });
    // More than the system keeps for a peer that does not read.
    let sand = "sand".repeat(16 << 20);
    let error = Pipeline::from(sources::generate(100, |id| id))
        .options(Options::builder().fixed_batch_size(1).memory_limit(1 << 30).build().unwrap())
        .cancel_with(&cancel)
        .transform(|id, out| if id == 0 { out.emit(sand.as_str()) } else { out.emit("more") })
        .load_into(sink)
        .run(&engine())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    let counts = error.report().unwrap().counts;
    assert!(counts.add_up());
    assert_eq!(counts.loaded, 0, "what follows a page that was cut off would follow a torn line");

    let (listener, cancel) = (TcpListener::bind("127.0.0.1:0").unwrap(), CancelToken::new());
    let sink = patient(&listener, &cancel);
    let token = cancel.clone();
    thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        peer.read_to_end(&mut Vec::new()).unwrap();
        token.cancel();
        for_ever();
        // Open until then.
        drop(peer);
    });
    let error = Pipeline::from(sources::generate(100, |id| id))
        .cancel_with(&cancel)
        .transform(|id, out| out.line().int(id).emit())
        .load_into(sink)
        .run(&engine())
        .unwrap_err();
    assert!(error.to_string().contains("has not closed the connection"), "{error}");
}

/// Between attempts to connect there is a pause of an hour.
#[test]
fn a_cancel_ends_the_pause_before_another_attempt_to_connect() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cancel = CancelToken::new();
    let hour = Duration::from_secs(3600);
    let sink = socket::tcp(port.to_string())
        .retry(Retry { attempts: 9, initial: hour, max: hour })
        .cancel_with(&cancel, Duration::ZERO)
        .sink();
    let token = cancel.clone();
    thread::spawn(move || token.cancel());
    let error = Pipeline::from(sources::generate(100, |id| id))
        .cancel_with(&cancel)
        .transform(|id, out| out.line().int(id).emit())
        .load_into(sink)
        .run(&engine())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}
