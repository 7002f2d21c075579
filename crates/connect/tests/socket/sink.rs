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

#[test]
fn a_load_ends_when_the_peer_has_read_everything() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket::tcp(listener.local_addr().unwrap().to_string());
    let reader = thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
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
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket::tcp(listener.local_addr().unwrap().to_string());
    let reader = thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    let report = Pipeline::from(sources::iter(["a", "b\nc", "d\n", ""]))
        .options(Options::builder().on_reject(RejectPolicy::skip(1)).build().unwrap())
        .transform(|text, out| out.emit(*text))
        .load_into(target.sink())
        .run(&engine())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (3, 1));
    assert_eq!(reader.join().unwrap(), "a\nd\n\n");
}
