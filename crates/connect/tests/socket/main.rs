//! Lines over real sockets, both ways.

mod sink;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use trommel::{
    CancelToken, Engine, ErrorKind, Options, Pipeline, Reject, RejectPolicy, Retry, sinks, sources,
};
use trommel_connect::{lines, socket};

const HOUR: Duration = Duration::from_secs(3600);
/// Far longer than anything here takes, far shorter than what would hang.
const SOON: Duration = Duration::from_secs(10);

fn engine() -> Engine {
    Engine::builder().workers(2).build().unwrap()
}

fn collect(source: impl trommel::Source<Batch = lines::Batch>) -> trommel::Result<Vec<String>> {
    let mut found = sinks::collect();
    Pipeline::from(source)
        .map(|line: &[u8]| String::from_utf8_lossy(line).into_owned())
        .load_into(&mut found)
        .run(&engine())?;
    Ok(found.into_vec())
}

/// Closes with a reset instead of a polite end.
fn reset(peer: TcpStream) {
    socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn lines_of_a_peer_that_was_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sender = thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        for part in ["a\nb", "c\r\n", "\n", "d\n"] {
            peer.write_all(part.as_bytes()).unwrap();
        }
    });
    assert_eq!(collect(socket::tcp(address).lines().unwrap()).unwrap(), ["a", "bc", "", "d"]);
    sender.join().unwrap();
}

#[cfg(unix)]
#[test]
fn lines_over_a_unix_socket_whose_file_goes_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("peer.sock");
    let listener = socket::unix(&path).listen().unwrap();
    let taken = socket::unix(&path).listen().unwrap_err().to_string();
    assert!(taken.contains("the file exists; remove it"), "{taken}");
    let sender = thread::spawn({
        let path = path.clone();
        move || {
            Pipeline::from(sources::generate(1000, |id| id))
                .transform(|id, out| out.line().str("row ").int(id).emit())
                .load_into(socket::unix(path).sink())
                .run(&engine())
                .unwrap()
        }
    });
    let rows = collect(listener.lines().unwrap()).unwrap();
    assert_eq!(rows.len(), 1000);
    assert_eq!(rows[999], "row 999");
    assert_eq!(sender.join().unwrap().counts.loaded, 1000);
    assert!(!path.exists());
}

#[test]
fn several_peers_at_once_lose_no_line_and_cut_none() {
    let listener = socket::tcp("127.0.0.1:0").peers(3).listen().unwrap();
    let address = listener.local_addr().to_owned();
    let senders: Vec<_> = (0..3)
        .map(|peer| {
            let address = address.clone();
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                for row in 0..2000 {
                    // In two parts, so that lines of different peers would mix if they could.
                    write!(stream, "{peer}:").unwrap();
                    writeln!(stream, "{row}").unwrap();
                }
            })
        })
        .collect();
    let mut rows = collect(listener.lines().unwrap()).unwrap();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let mut wanted: Vec<String> =
        (0..3).flat_map(|peer| (0..2000).map(move |row| format!("{peer}:{row}"))).collect();
    rows.sort();
    wanted.sort();
    assert_eq!(rows, wanted);
}

/// The peer sends one row and then nothing: the row must arrive, and a cancel must end the run.
fn a_row_arrives_and_a_cancel_ends_the_run(busy: bool, flush: Duration) {
    let listener = socket::tcp("127.0.0.1:0").listen().unwrap();
    let mut peer = TcpStream::connect(listener.local_addr()).unwrap();
    let cancel = CancelToken::new();
    let (send, receive) = channel();
    let hold = Arc::new(Mutex::new(()));
    let held = busy.then(|| hold.lock().unwrap());
    let run = thread::spawn({
        let (cancel, hold) = (cancel.clone(), Arc::clone(&hold));
        move || {
            let options = Options::builder().fixed_batch_size(1000).flush_timeout(flush);
            let mut sink = sinks::for_each(move |line: String| {
                let _ = send.send(line);
                Ok(())
            });
            let error = Pipeline::from(listener.lines().unwrap())
                .options(options.build().unwrap())
                .cancel_with(&cancel)
                .map(move |line: &[u8]| {
                    if line == b"busy" {
                        drop(hold.lock());
                    }
                    String::from_utf8_lossy(line).into_owned()
                })
                .load_into(&mut sink)
                .run(&Engine::builder().workers(1).build().unwrap())
                .unwrap_err();
            (error, Instant::now())
        }
    });
    if busy {
        peer.write_all(b"busy\n").unwrap();
    }
    peer.write_all(b"one\n").unwrap();
    drop(held);
    let mut first = receive.recv_timeout(SOON).expect("the row is loaded though nothing follows");
    while first == "busy" {
        first =
            receive.recv_timeout(SOON).expect("the second row is loaded though nothing follows");
    }
    assert_eq!(first, "one");
    let began = Instant::now();
    cancel.cancel();
    let (error, ended) = run.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(ended.saturating_duration_since(began) < Duration::from_secs(2));
    let counts = error.report().unwrap().counts;
    assert_eq!((counts.read, counts.loaded), if busy { (2, 2) } else { (1, 1) });
    // The peer is told, although it has been silent: its next read ends.
    peer.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_row_of_a_silent_peer_is_loaded_at_once_by_idle_workers() {
    a_row_arrives_and_a_cancel_ends_the_run(false, HOUR);
}

#[test]
fn a_row_of_a_silent_peer_is_loaded_after_the_flush_timeout() {
    a_row_arrives_and_a_cancel_ends_the_run(true, Duration::from_millis(50));
}

#[test]
fn a_cancel_ends_the_wait_for_a_peer_that_never_comes() {
    for peers in [0, 1, 2] {
        let listener = socket::tcp("127.0.0.1:0").peers(peers).listen().unwrap();
        let address = listener.local_addr().to_owned();
        let cancel = CancelToken::new();
        let run = thread::spawn({
            let cancel = cancel.clone();
            move || {
                Pipeline::from(listener.lines().unwrap())
                    .cancel_with(&cancel)
                    .map(|line: &[u8]| line.len())
                    .load_into(sinks::count())
                    .run(&engine())
                    .unwrap_err()
            }
        });
        cancel.cancel();
        let began = Instant::now();
        assert_eq!(run.join().unwrap().kind(), ErrorKind::Cancelled);
        assert!(began.elapsed() < Duration::from_secs(2));
        // Nobody listens any more, as soon as the accepting thread has looked up.
        let began = Instant::now();
        while TcpStream::connect(&address).is_ok() {
            assert!(began.elapsed() < SOON, "still listening");
            thread::yield_now();
        }
    }
}

#[test]
fn a_reset_is_an_error_and_the_lines_before_it_are_loaded() {
    for peers in [1, 2] {
        let listener = socket::tcp("127.0.0.1:0").peers(peers).listen().unwrap();
        let address = listener.local_addr().to_owned();
        let (send, receive) = channel();
        let sender = thread::spawn(move || {
            let mut peer = TcpStream::connect(address).unwrap();
            peer.write_all(b"a\nb\nc").unwrap();
            receive.recv().unwrap();
            reset(peer);
        });
        let mut loaded = 0;
        let error = Pipeline::from(listener.lines().unwrap())
            .map(|line: &[u8]| line.len())
            .load_into(sinks::for_each(|_| {
                loaded += 1;
                if loaded == 2 {
                    send.send(()).unwrap();
                }
                Ok(())
            }))
            .run(&engine())
            .unwrap_err();
        sender.join().unwrap();
        let said = error.to_string();
        assert!(said.contains("reset the connection after 5 bytes"), "{said}");
        assert!(said.contains("cannot read tcp://127.0.0.1:"), "{said}");
        assert_eq!(loaded, 2);
    }
}

#[test]
fn a_peer_that_ends_inside_a_line_is_never_taken_for_a_whole_one() {
    let send = |listener: &socket::Listener, text: &'static str| {
        let mut peer = TcpStream::connect(listener.local_addr()).unwrap();
        peer.write_all(text.as_bytes()).unwrap();
    };
    // One peer: a reject with its bytes.
    let listener = socket::tcp("127.0.0.1:0").listen().unwrap();
    send(&listener, "whole\ntor");
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            keep.lock().unwrap().push(reject.clone());
            Ok(())
        },
        1,
    );
    let report = Pipeline::from(listener.lines().unwrap())
        .options(Options::builder().on_reject(policy).build().unwrap())
        .map(|line: &[u8]| line.len())
        .load_into(sinks::count())
        .run(&engine())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (1, 1));
    let kept = kept.lock().unwrap();
    assert_eq!((&kept[0].raw[..], kept[0].line, kept[0].offset), (&b"tor"[..], Some(2), Some(6)));
    assert!(kept[0].reason.contains("ends inside a line, 3 bytes after"), "{}", kept[0].reason);

    // By option: a line.
    let listener = socket::tcp("127.0.0.1:0").lenient_eof(true).listen().unwrap();
    send(&listener, "whole\nlast");
    assert_eq!(collect(listener.lines().unwrap()).unwrap(), ["whole", "last"]);

    // Several peers, or any other format: an error, or a line.
    let listener = socket::tcp("127.0.0.1:0").peers(2).listen().unwrap();
    send(&listener, "whole\n");
    send(&listener, "tor");
    let error = collect(listener.lines().unwrap()).unwrap_err().to_string();
    assert!(error.contains("closed the connection inside a line, 3 bytes after"), "{error}");
    let listener = socket::tcp("127.0.0.1:0").peers(2).lenient_eof(true).listen().unwrap();
    send(&listener, "last");
    send(&listener, "whole\n");
    let mut rows = collect(listener.lines().unwrap()).unwrap();
    rows.sort();
    assert_eq!(rows, ["last", "whole"]);
}

#[test]
fn a_line_that_is_too_long_is_an_error_or_a_reject() {
    let listener = socket::tcp("127.0.0.1:0").peers(2).max_line_bytes(100_000).listen().unwrap();
    let address = listener.local_addr().to_owned();
    let sender = thread::spawn(move || {
        let mut peer = TcpStream::connect(address).unwrap();
        let _ = peer.write_all(&[b'x'; 400_000]);
    });
    let error = collect(listener.lines().unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("line longer than the limit of 100000 bytes; raise max_line"),
        "{error}"
    );
    sender.join().unwrap();

    let listener = socket::tcp("127.0.0.1:0").listen().unwrap();
    let address = listener.local_addr().to_owned();
    let sender = thread::spawn(move || {
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(b"a\n").unwrap();
        peer.write_all(&vec![b'x'; 8 << 20]).unwrap();
        peer.write_all(b"\nb\n").unwrap();
    });
    let options = Options::builder().memory_limit(4 << 20).on_reject(RejectPolicy::skip(1));
    let report = Pipeline::from(listener.lines().unwrap())
        .options(options.build().unwrap())
        .map(|line: &[u8]| assert!(line.len() == 1))
        .load_into(sinks::count())
        .run(&engine())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (2, 1));
    sender.join().unwrap();
}

#[test]
fn an_idle_timeout_ends_the_wait_by_option() {
    let listener = socket::tcp("127.0.0.1:0").idle_timeout(Duration::from_millis(30)).listen();
    let listener = listener.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr()).unwrap();
    peer.write_all(b"one\n").unwrap();
    let error = collect(listener.lines().unwrap()).unwrap_err();
    assert!(error.to_string().contains("has sent nothing for 30ms, 4 bytes in all"), "{error}");
    assert_eq!(error.report().unwrap().counts.loaded, 1);
}

#[test]
fn connecting_waits_for_a_listener_and_gives_up_with_the_address() {
    let retry =
        Retry { attempts: 1000, initial: Duration::from_millis(1), max: Duration::from_millis(20) };
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = socket::tcp(address.to_string());
    let error = target.clone().retry(Retry { attempts: 2, ..retry }).lines().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let said = error.to_string();
    assert!(said.contains(&format!("cannot connect to tcp://{address} in 3 attempts")), "{said}");

    let waiting = thread::spawn(move || collect(target.retry(retry).lines().unwrap()));
    let peer = TcpListener::bind(address).unwrap();
    peer.accept().unwrap().0.write_all(b"late\n").unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), ["late"]);

    let error = socket::tcp("no port here").retry(Retry::NONE).lines().unwrap_err().to_string();
    assert!(error.contains("cannot connect to tcp://no port here"), "{error}");
    let error = socket::tcp(address.ip().to_string() + ":99999").listen().unwrap_err().to_string();
    assert!(error.contains("cannot listen on tcp://127.0.0.1:99999"), "{error}");
}

#[cfg(feature = "csv")]
#[test]
fn any_format_reads_a_socket() {
    use trommel_connect::csv;
    let listener = socket::tcp("127.0.0.1:0").listen().unwrap();
    let address = listener.local_addr().to_owned();
    let sender = thread::spawn(move || {
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(b"id,name\n1,\"sand\nstone\"\n2,clay\n").unwrap();
    });
    let source = listener.source(csv::Source::from_reader).unwrap();
    assert_eq!(source.get_ref().headers().collect::<Vec<_>>(), ["id", "name"]);
    let mut rows = sinks::collect();
    Pipeline::from(source)
        .transform(|row: csv::Row<'_>, out| {
            out.emit((row.get::<u32>("id")?, row.get::<String>("name")?))
        })
        .load_into(&mut rows)
        .run(&engine())
        .unwrap();
    sender.join().unwrap();
    assert_eq!(rows.into_vec(), [(1, "sand\nstone".into()), (2, "clay".into())]);
}
