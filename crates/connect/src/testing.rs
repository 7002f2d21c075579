//! Named windows: instants inside a sink at which a test may want the process to end.
//!
//! Compiled with the feature `testing` only; without it nothing of a window is left in a program.
//!
//! ```
//! use std::sync::atomic::{AtomicU32, Ordering};
//! use trommel_connect::testing::on_window;
//!
//! static COMMITS: AtomicU32 = AtomicU32::new(0);
//! on_window(|name| {
//!     if name == "sqlite: checkpoint stored, before COMMIT" {
//!         COMMITS.fetch_add(1, Ordering::Relaxed);
//!     }
//! });
//! ```

use std::sync::OnceLock;

static HOOK: OnceLock<fn(&'static str)> = OnceLock::new();

/// Has `hook` called with the name of each window that any sink of this process comes to, on the
/// thread that comes to it.
///
/// # Panics
/// When there is a hook already: a process has one.
pub fn on_window(hook: fn(&'static str)) {
    assert!(HOOK.set(hook).is_ok(), "a process has one hook for windows");
}

#[allow(dead_code, reason = "connectors have windows where they commit")]
pub(crate) fn reach(name: &'static str) {
    if let Some(hook) = HOOK.get() {
        hook(name);
    }
}
