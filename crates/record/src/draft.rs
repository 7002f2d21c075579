//! From random bits to a user.

use std::hint::select_unpredictable;

use arbitrary_int::{u5, u7, u12};
use bumpalo::Bump;

use crate::country::Country;
use crate::counts::Counts;
use crate::flag::Flag;
use crate::language::Language;
use crate::parts::UserParts;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::role::Role;
use crate::user::{UserRecord, UserRecordRef};

/// What the random bits say about a user, before the strings are made.
pub(crate) struct Draft {
    id: u64,
    name: usize,
    host: usize,
    counts: Counts,
    profile: Profile,
}

impl Draft {
    /// Three words of random bits become a user as there could be one: aged 13 to 88, more quiet
    /// accounts than busy ones, reading the language of the country seven times out of eight.
    #[inline(always)]
    pub(crate) fn new(id: u64, [who, what, counts]: [u64; 3]) -> Self {
        let mut who = Bits(who);
        let name = who.take(5) as usize;
        let host = who.take(2) as usize;
        let age = 13 + ((who.take(12) * 76) >> 12);
        let country = Country::new_with_raw_value(u5::new(who.take(5) as u8));
        // Both are looked up and one is kept: the branch could not be predicted.
        let odd = who.take(7);
        let foreign = Language::ALL[odd as usize % Language::ALL.len()];
        let language = select_unpredictable(odd < 16, foreign, country.main_language());
        let plan = PLANS[who.take(4) as usize];
        let role = ROLES[who.take(5) as usize];
        // A product of two uniform numbers leans to zero, as logins and counts do.
        let logins = (who.take(12) * who.take(12)) >> 12;

        let mut what = Bits(what);
        let flags = what.take(16) & (what.take(16) | COMMON_FLAGS) & (what.take(16) | !RARE_FLAGS);
        let last_login_day = 18_000 + ((what.take(16) * 2_500) >> 16);
        let last_login_day = if logins == 0 { 0 } else { last_login_day };

        let mut counts = Bits(counts);
        let mut count = || {
            let count = counts.take(16);
            ((count * count) >> 16) as u16
        };
        let counts =
            Counts { posts: count(), followers: count(), following: count(), likes: count() };

        let profile = Profile::new_with_raw_value(flags << Flag::ALL[0].bit())
            .with_age(u7::new(age as u8))
            .with_country(country)
            .with_language(language)
            .with_plan(plan)
            .with_role(role)
            .with_last_login_day(last_login_day as u16)
            .with_logins(u12::new(logins as u16));
        Self { id, name, host, counts, profile }
    }

    /// The record with its strings boxed: one allocation each, of exactly its length.
    #[inline]
    pub(crate) fn boxed(self) -> UserRecord {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(self.id);
        let [name, host] = self.pieces();
        let mut username = String::with_capacity(NAME_BYTES + digits.len());
        username.push_str(name);
        username.push_str(digits);
        let mut email = String::with_capacity(NAME_BYTES + digits.len() + HOST_BYTES);
        email.push_str(name);
        email.push_str(digits);
        email.push_str(host);
        self.with_strings(username.into_boxed_str(), email.into_boxed_str())
    }

    /// The record with its strings in the arena: the username is the front of the address.
    #[inline]
    pub(crate) fn in_arena(self, arena: &Bump) -> UserRecordRef<'_> {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(self.id);
        let [name, host] = self.pieces();
        let username = NAME_BYTES + digits.len();
        let mut email =
            bumpalo::collections::String::with_capacity_in(username + HOST_BYTES, arena);
        email.push_str(name);
        email.push_str(digits);
        email.push_str(host);
        let email = email.into_bump_str();
        self.with_strings(&email[..username], email)
    }

    #[inline]
    fn pieces(&self) -> [&'static str; 2] {
        [piece::<NAME_BYTES>(NAMES, self.name), piece::<HOST_BYTES>(HOSTS, self.host)]
    }

    #[inline]
    fn with_strings<S, U: From<UserParts<S>>>(&self, username: S, email: S) -> U {
        let Self { id, counts, profile, .. } = *self;
        UserParts { id, username, email, counts, profile }.into()
    }
}

/// A word of random bits that is used up from the bottom.
struct Bits(u64);

impl Bits {
    /// The next `count` bits, as a number.
    #[inline]
    fn take(&mut self, count: u32) -> u64 {
        let bits = self.0 & ((1 << count) - 1);
        self.0 >>= count;
        bits
    }
}

/// Set on every second user: the others need two coins, and the rare ones three.
const COMMON_FLAGS: u64 =
    mask(&[Flag::Active, Flag::EmailConfirmed, Flag::DarkMode, Flag::OpenMessages, Flag::Avatar]);

/// Set on one user in eight.
const RARE_FLAGS: u64 =
    mask(&[Flag::Suspended, Flag::Deleted, Flag::PrioritySupport, Flag::ApiAccess, Flag::Trial]);

const fn mask(flags: &[Flag]) -> u64 {
    let (mut mask, mut index) = (0, 0);
    while index < flags.len() {
        mask |= 1 << (flags[index].bit() - Flag::ALL[0].bit());
        index += 1;
    }
    mask
}

const PLANS: [Plan; 16] = {
    let mut plans = [Plan::Free; 16];
    plans[10] = Plan::Basic;
    plans[11] = Plan::Basic;
    plans[12] = Plan::Basic;
    plans[13] = Plan::Pro;
    plans[14] = Plan::Pro;
    plans[15] = Plan::Enterprise;
    plans
};

const ROLES: [Role; 32] = {
    let mut roles = [Role::Member; 32];
    let mut index = 24;
    while index < 30 {
        roles[index] = Role::Author;
        index += 1;
    }
    roles[30] = Role::Moderator;
    roles[31] = Role::Admin;
    roles
};

/// Every name and every host has the same length and all lie in one text, so that the compiler
/// copies them as one word each. With an id of ten digits, username and address are 14 and 22
/// bytes, which with the 64 of the record makes 100.
const NAME_BYTES: usize = 4;
const NAMES: &str = "amirannaarunchencleodinaelifemmaenzoerikhanahugoinesivanjosejuan\
                     kofilaralenaliamlucamayamilaninanoaholgaomarrosasvenyarayukizara";
const HOST_BYTES: usize = 8;
const HOSTS: &str = "@ex.test@io.test@me.test@qa.test";
const _: () = assert!(NAMES.len() == 32 * NAME_BYTES && HOSTS.len() == 4 * HOST_BYTES);

#[inline]
fn piece<const BYTES: usize>(text: &'static str, index: usize) -> &'static str {
    &text[index * BYTES..index * BYTES + BYTES]
}
