//! TLS, which the system's libpq has (`postgres-system`) and the bundled one has not (`postgres`).
#![cfg(any(feature = "postgres", feature = "postgres-system"))]

mod postgres_support;

use postgres_support::{Server, says};
use std::sync::OnceLock;
use trommel::ErrorKind::Config;
use trommel_connect::postgres::Sink;

/// This binary's server, which takes TLS, with a certificate for `localhost`.
fn server() -> Option<&'static Server> {
    static OFFERED: OnceLock<()> = OnceLock::new();
    let server = postgres_support::server()?;
    OFFERED.get_or_init(|| {
        server.offer_tls(
            include_str!("http_support/tls/server.pem"),
            include_str!("http_support/tls/server-key.pem"),
        );
    });
    Some(server)
}

fn address(server: &Server, more: &str) -> String {
    let port = server.port;
    format!("hostaddr=127.0.0.1 port={port} user=encrypted dbname=trommel {more}")
}

#[cfg(feature = "postgres")]
#[test]
fn the_bundled_libpq_says_who_has_tls() {
    let Some(server) = server() else { return };
    for mode in ["require", "verify-ca", "verify-full"] {
        let parts = ["without TLS", "feature `postgres-system`", mode];
        let connected = Sink::connect(&address(server, &format!("host=localhost sslmode={mode}")));
        says(connected, Config, &parts);
    }
    // A server that wants TLS, of which the connection string says nothing.
    let parts = ["not without TLS", "feature `postgres-system`", "`encrypted`", "no encryption"];
    says(Sink::connect(&address(server, "host=localhost")), Config, &parts);
}

#[cfg(not(feature = "postgres"))]
mod system {
    use super::*;
    use trommel::{Engine, Pipeline, sinks, sources};
    use trommel_connect::postgres::Source;

    const AUTHORITY: &str = "http_support/tls/authority.pem";
    const ANOTHER: &str = "http_support/tls/other-authority.pem";

    fn trusting(server: &Server, host: &str, authority: &str) -> String {
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
        let more = format!("host={host} sslmode=verify-full sslrootcert='{tests}/{authority}'");
        address(server, &more)
    }

    #[derive(serde::Serialize)]
    struct Item {
        id: u64,
    }

    #[test]
    fn rows_go_both_ways_over_a_verified_connection() {
        let Some(server) = server() else { return };
        server.schema("verified");
        server.sql(
            "trommel",
            "CREATE FUNCTION verified.is_tls() RETURNS boolean LANGUAGE sql AS \
                 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'; \
             CREATE TABLE verified.t (id bigint, tls boolean DEFAULT verified.is_tls())",
        );
        let conninfo = trusting(server, "localhost", AUTHORITY);
        let engine = Engine::new().unwrap();
        Pipeline::from(sources::generate(3, |id| id))
            .transform(|id, out| out.emit(&Item { id }))
            .load_into(Sink::connect(&conninfo).unwrap().table::<Item>("verified.t"))
            .run(&engine)
            .unwrap();
        assert_eq!(server.sql("trommel", "SELECT * FROM verified.t"), ["0|t", "1|t", "2|t"]);

        let reads = |conninfo: &str, expected: bool| {
            let query = "SELECT verified.is_tls() AS tls FROM verified.t";
            let report = Pipeline::from(Source::query(conninfo, query).unwrap())
                .transform(move |row, out| {
                    assert_eq!(row.get::<bool>("tls")?, expected);
                    out.emit(())
                })
                .load_into(sinks::count())
                .run(&engine)
                .unwrap();
            assert_eq!(report.counts.loaded, 3);
        };
        reads(&conninfo, true);
        // One without shows that the server can tell.
        let plain = format!("{} sslmode=disable", server.address("verified", server.port));
        reads(&plain, false);
    }

    #[test]
    fn a_server_that_can_t_be_trusted_is_not_talked_to() {
        let Some(server) = server() else { return };
        let connect = |conninfo: String| Sink::connect(&conninfo).map(drop);
        // An authority of the same name that has not signed the certificate.
        let parts = ["certificate verify failed", "no trust", "`sslrootcert`", "localhost"];
        says(connect(trusting(server, "localhost", ANOTHER)), Config, &parts);
        // A name that the certificate is not for.
        let parts = ["does not match host name", "no trust", "`host`", "db.example"];
        says(connect(trusting(server, "db.example", AUTHORITY)), Config, &parts);
        let missing = trusting(server, "localhost", "none.pem");
        says(connect(missing), Config, &["none.pem", "`sslrootcert`"]);
        // This server takes both, and lets this user in by TLS alone.
        let plain = address(server, "host=localhost sslmode=disable");
        says(connect(plain), Config, &["not without TLS", "`sslmode=verify-full`"]);
        connect(trusting(server, "localhost", AUTHORITY)).unwrap();
    }
}
