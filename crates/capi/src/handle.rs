//! Handles: boxes whose address C holds. Debug builds know which ones live.

use crate::error::Failure;

/// What C holds by its address.
pub(crate) trait Handle: 'static {
    /// What messages call it.
    const NAME: &'static str;
}

/// Gives a value to C.
pub(crate) fn hand_out<T: Handle>(value: T) -> *mut T {
    let address = Box::into_raw(Box::new(value));
    live::add(address.addr(), T::NAME);
    address
}

/// Refuses what is no living handle of its kind, where that is known.
pub(crate) fn check<T: Handle>(address: *const T) -> Result<(), Failure> {
    live::check(address.addr(), T::NAME)
}

/// Takes a handle back. NULL is nothing.
///
/// # Errors
/// In debug builds, when it is no living handle.
pub(crate) fn take_back<T: Handle>(address: *mut T) -> Result<Option<Box<T>>, Failure> {
    if address.is_null() {
        return Ok(None);
    }
    live::remove(address.addr(), T::NAME)?;
    // SAFETY: the caller vouches that `hand_out` made it and that nobody has freed it; debug builds
    // have just looked.
    Ok(Some(unsafe { Box::from_raw(address) }))
}

/// The handles that live, in debug builds.
#[cfg(debug_assertions)]
mod live {
    use crate::error::Failure;
    use parking_lot::Mutex;
    use std::collections::BTreeMap;

    static LIVE: Mutex<BTreeMap<usize, &'static str>> = Mutex::new(BTreeMap::new());

    pub(super) fn add(address: usize, name: &'static str) {
        LIVE.lock().insert(address, name);
    }

    pub(super) fn check(address: usize, name: &'static str) -> Result<(), Failure> {
        match LIVE.lock().get(&address) {
            Some(found) if *found == name => Ok(()),
            Some(found) => Err(Failure::handle(format!("this is a {found}, not a {name}"))),
            None => Err(Failure::handle(format!("no such {name} lives: was it freed before?"))),
        }
    }

    pub(super) fn remove(address: usize, name: &'static str) -> Result<(), Failure> {
        check(address, name)?;
        LIVE.lock().remove(&address);
        Ok(())
    }
}

#[cfg(not(debug_assertions))]
mod live {
    use crate::error::Failure;

    pub(super) fn add(_: usize, _: &'static str) {}

    pub(super) fn check(_: usize, _: &'static str) -> Result<(), Failure> {
        Ok(())
    }

    pub(super) fn remove(_: usize, _: &'static str) -> Result<(), Failure> {
        Ok(())
    }
}
