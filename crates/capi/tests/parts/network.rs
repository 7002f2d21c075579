//! Text formats over HTTP and sockets.

use crate::{Folder, command, converts, fails};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;

/// Answers one request with a body; gives back what was asked and sent.
fn serve(
    status: &'static str,
    body: &'static str,
) -> (String, thread::JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut sent = vec![0; length];
        reader.read_exact(&mut sent).unwrap();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        (&stream).write_all(answer.as_bytes()).unwrap();
        (head, String::from_utf8(sent).unwrap())
    });
    (url, served)
}

#[test]
fn bodies_are_read_as_csv_and_ndjson() {
    let folder = Folder::new();
    let (url, served) = serve("200 OK", "id,name\n1,a\n2,b\n");
    let options = &["--source.header=X-Key: abc", "--source.bearer=token"];
    let said = converts(&format!("csv:{url}/x.csv%3Fpage=1"), &folder.url("csv", "o.csv"), options);
    assert_eq!(said, "2 read, 2 loaded, 0 rejected\n");
    assert_eq!(folder.read("o.csv"), "id,name\n1,a\n2,b\n");
    let (head, _) = served.join().unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("get /x.csv?page=1 ") && head.contains("x-key: abc"), "{head}");
    assert!(head.contains("authorization: bearer token"), "{head}");
    let (url, served) = serve("200 OK", "{\"id\":1}\n{\"id\":2}\n");
    converts(&format!("ndjson:{url}/"), &folder.url("csv", "p.csv"), &["id"]);
    assert_eq!(folder.read("p.csv"), "id\n1\n2\n");
    served.join().unwrap();
    let (url, served) = serve("404 Not Found", "no such thing");
    let message = fails(&format!("csv:{url}/"), &folder.url("csv", "q.csv"), &[]);
    assert!(message.contains("404") && message.contains("no such thing"), "{message}");
    served.join().unwrap();
}

#[test]
fn rows_are_posted_as_ndjson() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n2\n");
    let (url, served) = serve("200 OK", "");
    converts(&folder.url("csv", "in.csv"), &format!("ndjson:{url}/in"), &["id=id:INTEGER"]);
    let (head, sent) = served.join().unwrap();
    assert!(head.starts_with("POST /in "), "{head}");
    assert_eq!(sent, "{\"id\":1}\n{\"id\":2}\n");
    // A body can't be taken up again.
    let (url, served) = serve("200 OK", "id\n1\n");
    let message = fails(&format!("csv:{url}/"), &folder.url("csv", "o.csv"), &["--job=j"]);
    assert!(message.contains("its source has no positions"), "{message}");
    served.join().unwrap();
}

#[test]
fn sockets_are_read_and_written() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n2\n");
    // A peer that sends.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("lines:tcp://{}", listener.local_addr().unwrap());
    let peer = thread::spawn(move || listener.accept().unwrap().0.write_all(b"a\nb\n").unwrap());
    converts(&url, &folder.url("ndjson", "o.ndjson"), &[]);
    peer.join().unwrap();
    assert_eq!(folder.read("o.ndjson"), "{\"line\":\"a\"}\n{\"line\":\"b\"}\n");
    // One that takes.
    let path = folder.at("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let peer = thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    converts(&folder.url("csv", "in.csv"), &format!("ndjson:unix:{path}"), &["id=id:INTEGER"]);
    assert_eq!(peer.join().unwrap(), "{\"id\":1}\n{\"id\":2}\n");
}

#[test]
fn a_program_listens_and_another_one_sends() {
    let folder = Folder::new();
    folder.write("in.csv", "id\n1\n2\n");
    let socket = folder.at("listening");
    let listening = format!("ndjson:unix://{socket}?listen=true");
    let mut listener = command(&listening, &folder.url("csv", "out.csv"), &["id"]);
    let listener = listener.stdout(Stdio::piped()).spawn().unwrap();
    while !std::path::Path::new(&socket).exists() {
        thread::yield_now();
    }
    converts(&folder.url("csv", "in.csv"), &format!("ndjson:unix:{socket}"), &["id=id:INTEGER"]);
    assert!(listener.wait_with_output().unwrap().status.success());
    assert_eq!(folder.read("out.csv"), "id\n1\n2\n");
}
