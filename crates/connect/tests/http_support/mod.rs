//! A server of HTTP/1.1 on the loopback, which answers as its test says.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With its `Content-Length`.
    Whole,
    /// With the last chunk; the body is sent in chunks of 5 bytes.
    Chunked,
    /// A byte before its `Content-Length`.
    Short,
    /// Before the last chunk.
    ShortChunked,
    /// After its last byte, with a reset, a byte before its `Content-Length`.
    Reset,
    /// Not for ten seconds or until the other side has gone, a byte before its `Content-Length`.
    Silence,
    /// Before it has begun: the connection is closed without an answer.
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

pub(crate) fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into(), end: End::Whole }
}

impl Answer {
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    pub(crate) fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request with what `handle` says to it and to its number, from 0.
    pub(crate) fn start(
        handle: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (handle, log) = (Arc::new(handle), Arc::clone(&asked));
        thread::spawn(move || {
            for peer in listener.incoming() {
                let (handle, log) = (Arc::clone(&handle), Arc::clone(&log));
                thread::spawn(move || converse(peer.unwrap(), &*handle, &log));
            }
        });
        Server { url, asked }
    }

    /// Gives one answer after the other, the last one again and again.
    pub(crate) fn script(answers: impl IntoIterator<Item = Answer>) -> Server {
        let answers: Vec<Answer> = answers.into_iter().collect();
        Server::start(move |number, _| answers[number.min(answers.len() - 1)].clone())
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn converse(
    mut peer: TcpStream,
    handle: &dyn Fn(usize, &Asked) -> Answer,
    log: &Mutex<Vec<Asked>>,
) {
    let mut reader = BufReader::new(peer.try_clone().unwrap());
    while let Some(asked) = read(&mut reader) {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(asked.clone());
            log.len() - 1
        };
        let answer = handle(number, &asked);
        if !write(&mut peer, &answer).unwrap_or(false) {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut asked = Asked { method, path, headers, body: Vec::new(), at: Instant::now() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body.resize(length, 0);
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

/// Whether the connection can be used again.
fn write(peer: &mut TcpStream, answer: &Answer) -> std::io::Result<bool> {
    let Answer { status, headers, body, end } = answer;
    if *end == End::Nothing {
        return Ok(false);
    }
    let mut head = format!("HTTP/1.1 {status} Whatever\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    match end {
        End::Whole => head += &format!("Content-Length: {}\r\n\r\n", body.len()),
        End::Chunked | End::ShortChunked => head += "Transfer-Encoding: chunked\r\n\r\n",
        _ => head += &format!("Content-Length: {}\r\n\r\n", body.len() + 1),
    }
    peer.write_all(head.as_bytes())?;
    if matches!(end, End::Chunked | End::ShortChunked) {
        for chunk in body.chunks(5) {
            peer.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
            peer.write_all(chunk)?;
            peer.write_all(b"\r\n")?;
        }
    } else {
        peer.write_all(body)?;
    }
    match end {
        End::Whole => return Ok(true),
        End::Chunked => peer.write_all(b"0\r\n\r\n")?,
        End::Reset => {
            socket2::SockRef::from(&*peer).set_linger(Some(Duration::ZERO))?;
        }
        End::Silence => {
            peer.set_read_timeout(Some(Duration::from_secs(10)))?;
            let _ = peer.read(&mut [0]);
        }
        End::Short | End::ShortChunked | End::Nothing => {}
    }
    Ok(*end == End::Chunked)
}
