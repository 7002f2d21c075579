//! The flags of a record, by name.

use std::fmt;
use std::str::FromStr;

use crate::error::RecordError;

/// A flag of a [`Profile`](crate::Profile), named at run time.
///
/// The accessors of `Profile` say the same with the name fixed in the program:
/// `profile.flag(Flag::Beta)` is `profile.beta()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Flag {
    /// The identity was checked by a person.
    Verified = 20,
    /// Has logged in lately; set by [`User::record_login`](crate::User::record_login).
    Active = 21,
    /// The address answered a confirmation mail.
    EmailConfirmed = 22,
    /// Logs in with a second factor.
    TwoFactor = 23,
    /// Wants the newsletter.
    Newsletter = 24,
    /// Agreed to marketing.
    Marketing = 25,
    /// Shows its posts to followers only.
    Private = 26,
    /// Locked out by a moderator.
    Suspended = 27,
    /// Asked to be deleted; the row is kept until the purge.
    Deleted = 28,
    /// Gets features before everybody else.
    Beta = 29,
    /// Tries a paid plan for free.
    Trial = 30,
    /// Uses the dark theme.
    DarkMode = 31,
    /// May use the API.
    ApiAccess = 32,
    /// Takes messages from strangers.
    OpenMessages = 33,
    /// Has uploaded a picture.
    Avatar = 34,
    /// Is served first by support.
    PrioritySupport = 35,
}

impl Flag {
    /// Every flag, in the order of its bit.
    pub const ALL: [Self; 16] = [
        Self::Verified,
        Self::Active,
        Self::EmailConfirmed,
        Self::TwoFactor,
        Self::Newsletter,
        Self::Marketing,
        Self::Private,
        Self::Suspended,
        Self::Deleted,
        Self::Beta,
        Self::Trial,
        Self::DarkMode,
        Self::ApiAccess,
        Self::OpenMessages,
        Self::Avatar,
        Self::PrioritySupport,
    ];

    /// The position of this flag in the raw value of a profile, 0 the lowest bit.
    #[inline]
    #[must_use]
    pub const fn bit(self) -> u32 {
        self as u32
    }

    /// The name of the field, as `Display`, `FromStr` and the accessors of `Profile` have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Active => "active",
            Self::EmailConfirmed => "email_confirmed",
            Self::TwoFactor => "two_factor",
            Self::Newsletter => "newsletter",
            Self::Marketing => "marketing",
            Self::Private => "private",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::Beta => "beta",
            Self::Trial => "trial",
            Self::DarkMode => "dark_mode",
            Self::ApiAccess => "api_access",
            Self::OpenMessages => "open_messages",
            Self::Avatar => "avatar",
            Self::PrioritySupport => "priority_support",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Flag {
    type Err = RecordError;

    /// Reads the exact name of the field.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|flag| flag.name() == name)
            .ok_or_else(|| RecordError::UnknownCode { noun: "flag", code: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::Flag;

    #[test]
    fn every_name_reads_back_as_its_flag() {
        for flag in Flag::ALL {
            assert_eq!(flag.name().parse::<Flag>().unwrap(), flag);
        }
        assert_eq!(
            "sleepy".parse::<Flag>().unwrap_err().to_string(),
            "`sleepy` is no known flag code"
        );
    }
}
