//! The connection is cut around COMMIT: before the server gets it, or before the client gets the
//! answer. (A runner that dies there: the windows of the kill campaign.)

use crate::postgres_support::server;
use crate::{ROWS, complete, empty, item, job, prepare, table, trials};
use fastrand::Rng;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use trommel::{Engine, Options, Pipeline, Retry, sources};

/// Which part of a commit gets lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// The server never hears of it.
    Request,
    /// The commit is done, and the client never hears of it.
    Answer,
}

/// Passes bytes on between client and server, and loses a part of some commits.
struct Proxy {
    port: u16,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    /// Loses it for one commit of five.
    fn start(server: u16, lost: Lost, random: Rng) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(AtomicUsize::new(0));
        let (counted, random) = (Arc::clone(&cuts), Arc::new(Mutex::new(random)));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let Ok(backend) = TcpStream::connect(("127.0.0.1", server)) else { return };
                let (cuts, random) = (Arc::clone(&counted), Arc::clone(&random));
                std::thread::spawn(move || {
                    let is_due = || random.lock().unwrap().u8(..5) == 0;
                    pass(&client, &backend, lost, is_due, &cuts);
                });
            }
        });
        Proxy { port, cuts }
    }
}

fn pass(
    client: &TcpStream,
    backend: &TcpStream,
    lost: Lost,
    is_due: impl Fn() -> bool,
    cuts: &AtomicUsize,
) {
    let deaf = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to) = (backend, client);
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                if deaf.load(Ordering::SeqCst) {
                    // The server has answered: the commit is done.
                    cuts.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            _ = client.shutdown(Shutdown::Both);
            _ = backend.shutdown(Shutdown::Both);
        });
        let (mut from, mut to) = (client, backend);
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let is_commit = buffer[..count].windows(7).any(|word| word == b"COMMIT\0");
            if is_commit && is_due() {
                if lost == Lost::Request {
                    cuts.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                deaf.store(true, Ordering::SeqCst);
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        _ = backend.shutdown(Shutdown::Both);
    });
}

/// Runs a load through proxies until commits have been cut often enough.
fn cut(schema: &str, lost: Lost, load: impl Fn(&str) -> trommel::Result<trommel::RunReport>) {
    let Some(server) = server() else { return };
    prepare(server, schema);
    let (wanted, mut random) = trials(20, schema);
    let (mut cuts, mut jobs) = (0, 0);
    while cuts < wanted {
        assert!(jobs < wanted, "hardly any commit was cut");
        jobs += 1;
        let proxy = Proxy::start(server.port, lost, random.fork());
        let report = load(&server.address(schema, proxy.port)).unwrap();
        assert_eq!(report.counts.loaded, ROWS);
        cuts += proxy.cuts.load(Ordering::SeqCst);
        let found = format!("SELECT count(*), count(DISTINCT id) FROM {schema}.t");
        assert_eq!(server.sql("trommel", &found), [format!("{ROWS}|{ROWS}")], "{lost:?}");
        let has_job = format!("SELECT to_regclass('{schema}.trommel_checkpoint') IS NOT NULL");
        if server.sql("trommel", &has_job) == ["t"] {
            complete(server, schema);
        }
        empty(server, schema);
    }
    eprintln!("kills: postgres, {schema}, lost {lost:?}: {cuts} hits in {jobs} jobs");
}

fn resumable(conninfo: &str) -> trommel::Result<trommel::RunReport> {
    job(conninfo, 8, |_| {})
}

/// Without a job there is no checkpoint to read; the transaction's number tells.
fn numbered(conninfo: &str) -> trommel::Result<trommel::RunReport> {
    let options = Options::builder().fixed_batch_size(100).retry(Retry::times(8)).build()?;
    Pipeline::from(sources::generate(ROWS, |id| id))
        .options(options)
        .transform(|id, out| out.emit(&item(id)))
        .load_into(table(conninfo)?)
        .run(&Engine::new()?)
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up_and_not_repeated() {
    cut("unanswered", Lost::Answer, resumable);
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up_without_a_job_too() {
    cut("unanswered_number", Lost::Answer, numbered);
}

#[test]
fn a_commit_that_never_came_to_the_server_is_looked_up_and_done_again() {
    cut("unasked", Lost::Request, resumable);
}

#[test]
fn a_commit_that_never_came_to_the_server_is_done_again_without_a_job_too() {
    cut("unasked_number", Lost::Request, numbered);
}
