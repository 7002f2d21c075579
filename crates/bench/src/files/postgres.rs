//! A PostgreSQL server for the jobs that load into one.

use crate::{Result, sibling};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A server that `TROMMEL_POSTGRES` names, or one of this run's own: in a temporary folder, on a
/// Unix socket there, as an unprivileged user, with the settings that it comes with.
#[derive(Debug)]
pub(super) struct Server {
    url: String,
    /// Stops the server when it goes.
    _own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    pg_ctl: PathBuf,
    folder: TempDir,
}

impl Server {
    pub(super) fn start() -> Result<Self> {
        if let Ok(url) = std::env::var("TROMMEL_POSTGRES") {
            return Ok(Server { url, _own: None });
        }
        let programs = programs().ok_or(
            "no PostgreSQL server: install it, or name one with TROMMEL_POSTGRES=postgresql://…",
        )?;
        let folder = tempfile::Builder::new().prefix("trommel-pg-").tempdir()?;
        // The server won't run as root; its user must be able to write here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        let own = Own { pg_ctl: programs.join("pg_ctl"), folder };
        let data = own.data();
        sibling::output(unprivileged(&programs.join("initdb")).args([
            "--auth=trust",
            "--username=trommel",
            "--encoding=UTF8",
            "--no-instructions",
            &format!("--pgdata={}", data.display()),
        ]))?;
        let socket = own.folder.path().display().to_string();
        let log = own.folder.path().join("log").display().to_string();
        sibling::output(unprivileged(&own.pg_ctl).args([
            "--wait",
            &format!("--pgdata={}", data.display()),
            &format!("--log={log}"),
            &format!("--options=-c listen_addresses= -c unix_socket_directories={socket}"),
            "start",
        ]))?;
        // As a URL, for the programs that take nothing else; a socket's folder goes into `host`.
        let url = format!("postgresql:///postgres?user=trommel&host={socket}");
        Ok(Server { url, _own: Some(own) })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Drops the table that all jobs load into, and forgets the resumable ones.
    pub(super) fn clear(&self) -> Result<()> {
        query(&self.url, "DROP TABLE IF EXISTS flights")?;
        match query(&self.url, "SELECT to_regclass('trommel_checkpoint')")?.is_empty() {
            true => Ok(()),
            false => {
                let sql = "DELETE FROM trommel_checkpoint WHERE job LIKE '% into flights'";
                query(&self.url, sql).map(drop)
            }
        }
    }
}

/// What `psql` answers: values in lines, with `|` between them.
pub(super) fn query(url: &str, sql: &str) -> Result<String> {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", url, "--command", sql]);
    Ok(sibling::output(&mut psql)?.trim().to_owned())
}

impl Own {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let data = format!("--pgdata={}", self.data().display());
        let stop = ["--mode=immediate", "--wait", &data, "stop"];
        if let Err(error) = sibling::output(unprivileged(&self.pg_ctl).args(stop)) {
            eprintln!("the PostgreSQL server could not be stopped: {error}");
        }
    }
}

/// The program as user `postgres` when this one runs as root.
fn unprivileged(program: &Path) -> Command {
    match nix::unistd::geteuid().is_root() {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command.current_dir("/");
            command
        }
        false => Command::new(program),
    }
}

/// The folder of the newest server's programs, as Debian has it.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}
