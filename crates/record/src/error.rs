//! What can be wrong with a value that has to fit the packed record.

use std::error::Error;
use std::fmt;

/// A value that the packed record cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// An age that doesn't fit its seven bits.
    AgeOutOfRange {
        /// The age that was given, in years.
        age: u32,
    },
    /// A count of logins that doesn't fit its twelve bits.
    LoginsOutOfRange {
        /// The count that was given.
        logins: u32,
    },
    /// A code that stands for no variant of a country, language, plan, role or flag.
    UnknownCode {
        /// What the code should have named, such as `country`.
        noun: &'static str,
        /// The code that was given.
        code: Box<str>,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgeOutOfRange { age } => {
                write!(f, "age {age} is out of range: a record holds 0 to 127 years")
            }
            Self::LoginsOutOfRange { logins } => {
                write!(f, "{logins} logins are out of range: a record holds 0 to 4095")
            }
            Self::UnknownCode { noun, code } => write!(f, "`{code}` is no known {noun} code"),
        }
    }
}

impl Error for RecordError {}
