//! The one boundary that every export sits in: panics end here, and results become status codes.

use crate::cast::Out;
use crate::error::{ErrorHandle, Failure};
use crate::status::Status;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Declares exported functions. Each body is a closure within the boundary; there is no other way
/// out of this crate (a test compares the symbols of the library with [`EXPORTS`]).
///
/// Three forms: `status fn` with a last parameter `error` answers a code and reports through it,
/// `quiet fn` answers a code alone, and `value fn … or FALLBACK` answers a value.
macro_rules! export {
    ($($(#[$doc:meta])* $form:ident fn $name:ident($($arg:ident: $type:ty),* $(,)?)
        $(-> $answer:ty)? $(, or $fallback:expr)? => $body:block)*) => {
        $(export!(@one $form [$(#[$doc])*] $name [$($arg: $type),*] [$($answer)?] [$($fallback)?] $body);)*
        /// The functions that this module exports.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
    (@one status [$($doc:tt)*] $name:ident [$($arg:ident: $type:ty),*] [] [] $body:block) => {
        $($doc)*
        ///
        /// # Safety
        /// As `trommel.h` says of each argument.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $name(
            $($arg: $type,)*
            error: $crate::cast::Out<*mut $crate::error::ErrorHandle>,
        ) -> std::ffi::c_int {
            $crate::boundary::report(error, || $body)
        }
    };
    (@one quiet [$($doc:tt)*] $name:ident [$($arg:ident: $type:ty),*] [] [] $body:block) => {
        $($doc)*
        ///
        /// # Safety
        /// As `trommel.h` says of each argument.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $name($($arg: $type),*) -> std::ffi::c_int {
            $crate::boundary::report($crate::cast::Out::none(), || $body)
        }
    };
    (@one value [$($doc:tt)*] $name:ident [$($arg:ident: $type:ty),*] [$answer:ty] [$fallback:expr] $body:block) => {
        $($doc)*
        ///
        /// # Safety
        /// As `trommel.h` says of each argument.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $name($($arg: $type),*) -> $answer {
            $crate::boundary::value($fallback, || $body)
        }
    };
}
pub(crate) use export;

/// Every function that the library exports, by the module that declares it.
pub const EXPORTS: &[&[&str]] = &[
    crate::version::NAMES,
    crate::error::NAMES,
    crate::engines::NAMES,
    crate::pipeline::NAMES,
    crate::run::NAMES,
    crate::call::NAMES,
    #[cfg(feature = "arrow")]
    crate::arrow::NAMES,
];

/// Runs the body of an export; a failure becomes its code, and an error object where one is asked
/// for.
pub(crate) fn report(
    error: Out<*mut ErrorHandle>,
    body: impl FnOnce() -> Result<(), Failure>,
) -> c_int {
    let done = catch_unwind(AssertUnwindSafe(body));
    let failure = match done {
        Ok(Ok(())) => return Status::Ok.code(),
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::panic(&*panic),
    };
    let code = failure.status().code();
    // What a panic or an error left behind has destructors too.
    catch_unwind(AssertUnwindSafe(|| failure.hand_over(error))).unwrap_or(());
    code
}

/// As [`report`], for functions that answer a value.
pub(crate) fn value<T>(fallback: T, body: impl FnOnce() -> Option<T>) -> T {
    catch_unwind(AssertUnwindSafe(body)).ok().flatten().unwrap_or(fallback)
}
