//! The bitfields of a record.

use arbitrary_int::{u7, u12};
use bitbybit::bitfield;

use crate::country::Country;
use crate::error::RecordError;
use crate::flag::Flag;
use crate::language::Language;
use crate::plan::Plan;
use crate::role::Role;

/// Age, country, language, plan, role, sixteen flags and logins in one `u64`.
///
/// The fields fill all 64 bits, so every raw value is a valid profile. For each field there is
/// a getter, a setter and a `with_` method that returns a changed copy; the widths are in the
/// types, so a value that doesn't fit doesn't compile. For values known only at run time there are
/// [`try_set_age`](Self::try_set_age), [`saturate_age`](Self::saturate_age) and the like.
///
/// ```
/// use trommel_record::{Country, Flag, Plan, Profile, u7};
///
/// let mut profile = Profile::DEFAULT
///     .with_age(u7::new(41))
///     .with_country(Country::Norway)
///     .with_plan(Plan::Pro)
///     .with_beta(true);
/// assert_eq!((profile.country(), profile.flag(Flag::Beta)), (Country::Norway, true));
///
/// assert!(profile.try_set_age(128).is_err());
/// assert_eq!(profile.age().value(), 41);
/// ```
#[bitfield(u64, default = 0, forbid_overlaps, introspect)]
#[derive(PartialEq, Eq, Hash)]
pub struct Profile {
    /// Age in years, 0 to 127.
    #[bits(0..=6, rw)]
    age: u7,

    /// Where the user lives.
    #[bits(7..=11, rw)]
    country: Country,

    /// The language the user reads.
    #[bits(12..=15, rw)]
    language: Language,

    /// What the user pays for.
    #[bits(16..=17, rw)]
    plan: Plan,

    /// What the user may do.
    #[bits(18..=19, rw)]
    role: Role,

    /// The identity was checked by a person.
    #[bit(20, rw)]
    verified: bool,

    /// Has logged in lately; set by [`User::record_login`](crate::User::record_login).
    #[bit(21, rw)]
    active: bool,

    /// The address answered a confirmation mail.
    #[bit(22, rw)]
    email_confirmed: bool,

    /// Logs in with a second factor.
    #[bit(23, rw)]
    two_factor: bool,

    /// Wants the newsletter.
    #[bit(24, rw)]
    newsletter: bool,

    /// Agreed to marketing.
    #[bit(25, rw)]
    marketing: bool,

    /// Shows its posts to followers only.
    #[bit(26, rw)]
    private: bool,

    /// Locked out by a moderator.
    #[bit(27, rw)]
    suspended: bool,

    /// Asked to be deleted; the row is kept until the purge.
    #[bit(28, rw)]
    deleted: bool,

    /// Gets features before everybody else.
    #[bit(29, rw)]
    beta: bool,

    /// Tries a paid plan for free.
    #[bit(30, rw)]
    trial: bool,

    /// Uses the dark theme.
    #[bit(31, rw)]
    dark_mode: bool,

    /// May use the API.
    #[bit(32, rw)]
    api_access: bool,

    /// Takes messages from strangers.
    #[bit(33, rw)]
    open_messages: bool,

    /// Has uploaded a picture.
    #[bit(34, rw)]
    avatar: bool,

    /// Is served first by support.
    #[bit(35, rw)]
    priority_support: bool,

    /// Day of the last login, in days since 1970-01-01 (UTC); 0 when there was none. Ends in 2149.
    #[bits(36..=51, rw)]
    last_login_day: u16,

    /// Logins so far, 0 to 4095; counting stops there.
    #[bits(52..=63, rw)]
    logins: u12,
}

impl Profile {
    /// Sets the age, in years.
    ///
    /// # Errors
    /// [`RecordError::AgeOutOfRange`] over 127; the profile stays as it was.
    #[inline]
    pub fn try_set_age(&mut self, age: u32) -> Result<(), RecordError> {
        let age = u7::try_new(u8::try_from(age).unwrap_or(u8::MAX))
            .map_err(|_| RecordError::AgeOutOfRange { age })?;
        self.set_age(age);
        Ok(())
    }

    /// Sets the age, in years; what is over 127 becomes 127.
    #[inline]
    pub fn saturate_age(&mut self, age: u32) {
        self.set_age(u7::new(age.min(127) as u8));
    }

    /// Sets the count of logins.
    ///
    /// # Errors
    /// [`RecordError::LoginsOutOfRange`] over 4095; the profile stays as it was.
    #[inline]
    pub fn try_set_logins(&mut self, logins: u32) -> Result<(), RecordError> {
        let logins = u12::try_new(u16::try_from(logins).unwrap_or(u16::MAX))
            .map_err(|_| RecordError::LoginsOutOfRange { logins })?;
        self.set_logins(logins);
        Ok(())
    }

    /// Sets the count of logins; what is over 4095 becomes 4095.
    #[inline]
    pub fn saturate_logins(&mut self, logins: u64) {
        self.set_logins(u12::new(logins.min(4095) as u16));
    }

    /// Whether a flag is set.
    #[inline]
    #[must_use]
    pub const fn flag(&self, flag: Flag) -> bool {
        self.raw_value() >> flag.bit() & 1 == 1
    }

    /// Sets or clears a flag.
    #[inline]
    pub fn set_flag(&mut self, flag: Flag, on: bool) {
        let cleared = self.raw_value() & !(1 << flag.bit());
        *self = Self::new_with_raw_value(cleared | u64::from(on) << flag.bit());
    }

    /// The flags that are set, in the order of their bits.
    pub fn flags(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |&flag| self.flag(flag))
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("age", &self.age().value())
            .field("country", &self.country())
            .field("language", &self.language())
            .field("plan", &self.plan())
            .field("role", &self.role())
            .field("flags", &DebugFlags(*self))
            .field("last_login_day", &self.last_login_day())
            .field("logins", &self.logins().value())
            .finish()
    }
}

/// Sixteen booleans would drown the rest: only those that are set are shown.
struct DebugFlags(Profile);

impl std::fmt::Debug for DebugFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.flags()).finish()
    }
}
