//! Connecting to servers that don't answer.
#![cfg(any(feature = "postgres", feature = "postgres-system"))]

mod postgres_support;

use postgres_support::says;
use std::io::{Read as _, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;
use trommel::{CancelToken, Engine, ErrorKind, Options, Pipeline, Retry, sources};
use trommel_connect::postgres::Sink;

#[derive(serde::Serialize)]
struct Item {
    id: u64,
}

/// A cancelled run waited for libpq, which knows only its `connect_timeout`: here none. The cause was
/// that libpq connects in one call; now a thread makes it, which is given up after the grace period.
#[test]
fn a_cancelled_run_does_not_wait_for_a_server_that_does_not_answer() {
    let server = server_or_return!();
    server.schema("silent");
    server.sql("trommel", "CREATE TABLE silent.t (id bigint)");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, hear) = mpsc::channel();
    let behind = server.port;
    std::thread::spawn(move || {
        // The first connection is cut after some of the rows; the next one gets no answer.
        let (client, _) = listener.accept().unwrap();
        let backend = TcpStream::connect(("127.0.0.1", behind)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| copy(&mut &backend, &mut &client));
            _ = copy(&mut (&client).take(100_000), &mut &backend);
            for stream in [&client, &backend] {
                _ = stream.shutdown(Shutdown::Both);
            }
        });
        let silent = listener.accept().unwrap();
        // Kept open, so that whoever comes later waits, too.
        told.send((silent, listener)).unwrap();
    });
    let token = CancelToken::new();
    let conninfo = format!("{} connect_timeout=0", server.address("silent", port));
    let sink = Sink::connect(&conninfo).unwrap().cancel_with(&token, Duration::from_millis(100));
    let result = std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            Pipeline::from(sources::generate(1_000_000, |id| id))
                .cancel_with(&token)
                .options(Options::builder().retry(Retry::times(3)).build().unwrap())
                .transform(|id, out| out.emit(&Item { id }))
                .load_into(sink.table::<Item>("t"))
                .run(&Engine::new().unwrap())
        });
        let silent = hear.recv().unwrap();
        token.cancel();
        let result = running.join().unwrap();
        drop(silent);
        result
    });
    says(result, ErrorKind::Cancelled, &[]);
}

#[test]
fn a_server_that_does_not_answer_in_time_is_said_to_be_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connected = Sink::connect(&format!(
        "host=127.0.0.1 port={port} user=me password=secret dbname=d connect_timeout=2"
    ));
    let error = connected.unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    says::<()>(Err(error), ErrorKind::Transient, &["connect_timeout", "does not answer", "`me`"]);
}
