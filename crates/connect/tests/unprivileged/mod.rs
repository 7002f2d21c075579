//! For root there are no permissions, and the tests may well run as root: what needs permissions to be
//! missing runs as `nobody` then.
#![cfg(unix)]

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::panic::resume_unwind;
use std::path::Path;

/// Runs a test on a thread without privileges; those that it starts, and processes, have none either.
pub(crate) fn unprivileged<R: Send>(test: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            give_up_privileges();
            test()
        });
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Lets everybody write into a folder: the test's thread is somebody else than its maker.
#[allow(dead_code, reason = "each test binary uses a part of it")]
pub(crate) fn open_to_all(folder: &Path) {
    set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
}

#[cfg(target_os = "linux")]
fn give_up_privileges() {
    use rustix::process::{Gid, Uid, geteuid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    if geteuid().is_root() {
        let (group, user) = (Gid::from_raw(65_534), Uid::from_raw(65_534));
        set_thread_groups(&[]).unwrap();
        set_thread_res_gid(group, group, group).unwrap();
        set_thread_res_uid(user, user, user).unwrap();
    }
}

#[cfg(not(target_os = "linux"))]
fn give_up_privileges() {
    assert!(!rustix::process::geteuid().is_root(), "run the tests as somebody without privileges");
}
