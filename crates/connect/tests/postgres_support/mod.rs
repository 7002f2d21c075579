//! A PostgreSQL server of the tests' own, started once per test binary, gone with it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use trommel::ErrorKind;

/// Must be set where a missing server is a failure (`.ci/run`).
const REQUIRED: &str = "TROMMEL_REQUIRE_TOOLS";

pub(crate) struct Server {
    bin: PathBuf,
    directory: PathBuf,
    pub(crate) port: u16,
    /// Cleans up when its input ends: when this process does, however it does.
    guard: Child,
}

/// The server of this test binary; `None`, said aloud, where PostgreSQL is not installed.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(start).as_ref()
}

/// A server for one test alone, which may stop it.
pub(crate) fn start() -> Option<Server> {
    let Some(bin) = binaries() else {
        let missing = "PostgreSQL's server is not installed: apt-get install postgresql";
        assert!(std::env::var_os(REQUIRED).is_none(), "{missing}");
        _ = writeln!(std::io::stderr(), "SKIPPED: {missing}");
        return None;
    };
    Some(Server::start(bin))
}

/// Where `initdb` and the others are: Debian keeps them off the path.
fn binaries() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&path).find(|bin| bin.join("initdb").exists());
    versions.pop().or_else(on_path)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

impl Server {
    fn start(bin: PathBuf) -> Server {
        let directory = tempfile::Builder::new().prefix("trommel-pg-").tempdir().unwrap().keep();
        let data = directory.join("data");
        // The server refuses to run as root.
        let user = is_root().then_some("nobody");
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(&directory));
        }
        let as_user = |program: &Path| -> Command {
            let mut command = match user {
                Some(user) => {
                    let mut command = Command::new("setpriv");
                    command.args(["--reuid", user, "--regid", "nogroup", "--clear-groups", "--"]);
                    command.arg(program);
                    command
                }
                None => Command::new(program),
            };
            command.current_dir(&directory);
            command
        };
        let mut initdb = as_user(&bin.join("initdb"));
        initdb.arg("-D").arg(&data);
        run(initdb.args(["-U", "trommel", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]));
        let hba = std::fs::read_to_string(data.join("pg_hba.conf")).unwrap();
        let hba = format!("host all guarded 127.0.0.1/32 scram-sha-256\n{hba}");
        std::fs::write(data.join("pg_hba.conf"), hba).unwrap();

        let stop = {
            let mut command = as_user(&bin.join("pg_ctl"));
            command.arg("-D").arg(&data).args(["-m", "immediate", "stop"]);
            let words: Vec<_> = std::iter::once(command.get_program())
                .chain(command.get_args())
                .map(|word| format!("'{}'", word.to_str().unwrap()))
                .collect();
            words.join(" ")
        };
        let guard = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "cat >/dev/null; {stop} >/dev/null 2>&1; rm -rf '{}'",
                directory.display()
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Outlives what kills this process together with its group.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut server = Server { bin, directory, port: 0, guard };
        for attempt in 0.. {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            server.port = listener.local_addr().unwrap().port();
            drop(listener);
            // Between here and there another process may take the port.
            if server.control("start") {
                break;
            }
            assert!(attempt < 3, "{}", server.log());
        }
        server.sql("postgres", "CREATE DATABASE trommel");
        server.sql("trommel", "CREATE ROLE guarded LOGIN PASSWORD 'right'");
        server
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// `pg_ctl start`, `stop -m immediate`, …; whether it succeeded.
    pub(crate) fn control(&self, what: &str) -> bool {
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]);
                command.arg(self.bin.join("pg_ctl"));
                command
            }
            false => Command::new(self.bin.join("pg_ctl")),
        };
        command.current_dir(&self.directory).arg("-D").arg(self.directory.join("data"));
        command.arg("-l").arg(self.directory.join("log")).arg("-w").arg("-o").arg(format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off \
             -c max_connections=60 -c shared_buffers=32MB -c max_prepared_transactions=0",
            self.port,
            self.directory.display()
        ));
        command.args(what.split(' '));
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    /// From now on the server takes TLS as well, and user `encrypted` by TLS alone.
    pub(crate) fn offer_tls(&self, certificate: &str, key: &str) {
        let data = self.directory.join("data");
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let owner = std::fs::metadata(&data).unwrap();
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let hba = std::fs::read_to_string(data.join("pg_hba.conf")).unwrap();
        let rules = "hostssl all encrypted 127.0.0.1/32 trust\nhost all encrypted all reject\n";
        // In place: the file belongs to the server's user.
        std::fs::write(data.join("pg_hba.conf"), format!("{rules}{hba}")).unwrap();
        self.sql("trommel", "CREATE ROLE encrypted LOGIN SUPERUSER");
        self.sql("trommel", "ALTER SYSTEM SET ssl = on");
        self.sql("trommel", "SELECT pg_reload_conf()");
        // Sessions that begin after the server has seen the signal have it.
        while self.sql("trommel", "SHOW ssl") != ["on"] {
            assert!(!self.log().contains("could not load"), "{}", self.log());
        }
    }

    /// A connection string for a schema of the test's own, which is empty.
    pub(crate) fn schema(&self, name: &str) -> String {
        let sql = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
        self.sql("trommel", &sql);
        self.address(name, self.port)
    }

    /// The same through another port.
    pub(crate) fn address(&self, schema: &str, port: u16) -> String {
        format!(
            "host=127.0.0.1 port={port} user=trommel dbname=trommel options='-c search_path={schema}'"
        )
    }

    /// Runs statements and gives what they answer, a row a line, values separated by `|`.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> Vec<String> {
        let output = self.try_sql(database, sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn try_sql(&self, database: &str, sql: &str) -> Output {
        self.psql(database, sql).output().unwrap()
    }

    /// A session of its own.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command
            .args(["-X", "-q", "-A", "-t", "-P", "null=NULL", "-v", "ON_ERROR_STOP=1"])
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "trommel"])
            .args(["-d", database, "-c", sql])
            .stdin(Stdio::null());
        command
    }

    /// One value as a number.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.sql("trommel", sql)[0].parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is its sign.
        drop(self.guard.stdin.take());
        _ = self.guard.wait();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Checks an error's kind and that it says all of `parts`.
#[track_caller]
pub(crate) fn says<T>(result: trommel::Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}

/// The test's server, or the end of the test.
#[macro_export]
macro_rules! server_or_return {
    () => {
        match postgres_support::server() {
            Some(server) => server,
            None => return,
        }
    };
}
