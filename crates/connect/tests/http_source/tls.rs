//! HTTPS with an authority of one's own.

use super::*;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use trommel::sources;

const AUTHORITY: &str = include_str!("../http_support/tls/authority.pem");

/// Answers each request, over a connection of its own, with three lines; gives its URL, and the
/// bodies that it was sent.
fn serve(host: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let certificate = include_bytes!("../http_support/tls/server.pem");
    let key = include_bytes!("../http_support/tls/server-key.pem");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind((host, 0)).unwrap();
    let url = format!("https://{}/stones", listener.local_addr().unwrap());
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&bodies);
    thread::spawn(move || {
        for peer in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(session, peer.unwrap()));
            let (mut line, mut length) = (String::new(), 0);
            // A client that does not trust this server never gets to its request.
            while stream.read_line(&mut line).is_ok_and(|count| count > 2) {
                if let Some(bytes) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = bytes.trim().parse().unwrap();
                }
                line.clear();
            }
            if line != "\r\n" {
                continue;
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            taken.lock().unwrap().push(String::from_utf8(body).unwrap());
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n";
            let stream = stream.get_mut();
            stream.write_all(format!("{head}sand\ngravel\nclay\n").as_bytes()).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    (url, bodies)
}

#[test]
fn an_authority_of_ones_own_is_trusted_both_ways() {
    let (url, bodies) = serve("127.0.0.1");
    let source = http::get(&url).root_certificates(AUTHORITY).lines().unwrap();
    assert_eq!(lines_of(source).unwrap(), ["sand", "gravel", "clay"]);
    let report = Pipeline::from(sources::iter(["a", "b"]))
        .transform(|text, out| out.emit(*text))
        .load_into(http::post(&url).root_certificates(AUTHORITY).lines())
        .run(&engine())
        .unwrap();
    assert_eq!(report.counts.loaded, 2);
    assert_eq!(*bodies.lock().unwrap(), ["", "a\nb\n"]);
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused_with_the_remedy() {
    let (url, bodies) = serve("127.0.0.1");
    let said = |get: Get| {
        let error = quick(get).lines().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        error.to_string()
    };
    // Not by the built-in ones.
    let error = said(http::get(&url));
    for part in [&url[..], "UnknownIssuer", "root_certificates"] {
        assert!(error.contains(part), "no {part} in: {error}");
    }
    #[cfg(target_os = "linux")]
    {
        // Its certificate is for another address.
        let (url, bodies) = serve("127.0.0.2");
        let error = said(http::get(&url).root_certificates(AUTHORITY));
        assert!(error.contains("not valid for name"), "{error}");
        assert!(bodies.lock().unwrap().is_empty());
    }
    assert!(bodies.lock().unwrap().is_empty());

    let error = http::get(&url).root_certificates("no PEM").lines().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("root_certificates"), "{error}");
}
