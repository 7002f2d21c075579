//! Servers that say nothing, and runs that are cancelled meanwhile.
//!
//! Nothing here has a limit but the grace: what is not given up hangs, and the runner of the tests
//! ends it.

use super::*;
use std::io::Read;
use std::net::TcpListener;

fn for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

/// A sink that waits for its server as long as it takes, unless the run is cancelled.
fn patient(url: &str, cancel: &CancelToken) -> Post {
    http::post(url)
        .connect_timeout(Duration::ZERO)
        .answer_timeout(Duration::ZERO)
        .idle_timeout(Duration::ZERO)
        .cancel_with(cancel, Duration::from_millis(50))
}

fn cancelled(cancel: &CancelToken, post: Post) -> trommel::Error {
    Pipeline::from(sources::generate(100_000, |id| id))
        .cancel_with(cancel)
        .transform(|id, out| out.emit(&Row { id, name: "sand" }))
        .load_into(post.ndjson())
        .run(&engine())
        .unwrap_err()
}

#[test]
fn a_cancel_gives_up_a_server_that_does_not_answer() {
    for (connections, rows) in [(1, 0), (1, 100), (3, 0), (3, 100)] {
        let cancel = CancelToken::new();
        let token = cancel.clone();
        let server = Server::start(move |number, _| match number {
            0..4 => answer(200, ""),
            _ => {
                token.cancel();
                for_ever()
            }
        });
        let post = patient(&server.url, &cancel).connections(connections).rows_per_request(rows);
        let error = cancelled(&cancel, post);
        assert!(error.to_string().contains("cancelled"), "{error}");
        let counts = error.report().unwrap().counts;
        assert!(counts.add_up(), "{counts:?}");
        assert!(counts.loaded <= all_ids(&server).len() as u64, "{counts:?}");
        if (connections, rows) == (1, 0) {
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            let taken: u64 = server.asked()[..4].iter().map(|asked| ids(asked).len() as u64).sum();
            assert_eq!(counts.loaded, taken);
        }
    }
}

#[test]
fn a_cancel_gives_up_a_server_that_takes_nothing_any_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cancel = CancelToken::new();
    let token = cancel.clone();
    std::thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        peer.read_exact(&mut [0]).unwrap();
        token.cancel();
        for_ever()
    });
    // More than the system keeps for a peer that does not read.
    let sand = "sand".repeat(16 << 20);
    let error = Pipeline::from(sources::generate(1, |id| id))
        .options(Options::builder().memory_limit(1 << 30).build().unwrap())
        .cancel_with(&cancel)
        .transform(|_, out| out.emit(sand.as_str()))
        .load_into(patient(&url, &cancel).raw())
        .run(&engine())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert_eq!(error.report().unwrap().counts.loaded, 0);
}
