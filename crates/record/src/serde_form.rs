//! The serialised form: one flat list of named fields.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::country::Country;
use crate::counts::Counts;
use crate::language::Language;
use crate::parts::UserParts;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::role::Role;
use crate::user::User;

/// What a record looks like to `serde`: flat, so that it is also a row of CSV or SQL.
///
/// `data_hash` is not among the fields: it follows from the id, and half of its values don't fit
/// the signed 64-bit integer of a database.
#[derive(Serialize, Deserialize)]
#[serde(rename = "User")]
struct Form<S> {
    id: u64,
    username: S,
    email: S,
    #[serde(default)]
    posts: u16,
    #[serde(default)]
    followers: u16,
    #[serde(default)]
    following: u16,
    #[serde(default)]
    likes: u16,
    #[serde(default)]
    age: u32,
    #[serde(default)]
    country: Country,
    #[serde(default)]
    language: Language,
    #[serde(default)]
    plan: Plan,
    #[serde(default)]
    role: Role,
    #[serde(default)]
    verified: bool,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    email_confirmed: bool,
    #[serde(default)]
    two_factor: bool,
    #[serde(default)]
    newsletter: bool,
    #[serde(default)]
    marketing: bool,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    beta: bool,
    #[serde(default)]
    trial: bool,
    #[serde(default)]
    dark_mode: bool,
    #[serde(default)]
    api_access: bool,
    #[serde(default)]
    open_messages: bool,
    #[serde(default)]
    avatar: bool,
    #[serde(default)]
    priority_support: bool,
    #[serde(default)]
    last_login_day: u16,
    #[serde(default)]
    logins: u32,
}

impl<S: AsRef<str>> Serialize for User<S> {
    fn serialize<T: Serializer>(&self, to: T) -> Result<T::Ok, T::Error> {
        let (counts, profile) = (self.counts(), self.profile());
        Form {
            id: self.id(),
            username: self.username(),
            email: self.email(),
            posts: counts.posts,
            followers: counts.followers,
            following: counts.following,
            likes: counts.likes,
            age: profile.age().value().into(),
            country: profile.country(),
            language: profile.language(),
            plan: profile.plan(),
            role: profile.role(),
            verified: profile.verified(),
            active: profile.active(),
            email_confirmed: profile.email_confirmed(),
            two_factor: profile.two_factor(),
            newsletter: profile.newsletter(),
            marketing: profile.marketing(),
            private: profile.private(),
            suspended: profile.suspended(),
            deleted: profile.deleted(),
            beta: profile.beta(),
            trial: profile.trial(),
            dark_mode: profile.dark_mode(),
            api_access: profile.api_access(),
            open_messages: profile.open_messages(),
            avatar: profile.avatar(),
            priority_support: profile.priority_support(),
            last_login_day: profile.last_login_day(),
            logins: profile.logins().value().into(),
        }
        .serialize(to)
    }
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for User<S> {
    /// Only `id`, `username` and `email` must be there; what else is missing is 0, false or the
    /// first variant. An age or a count of logins out of range is an error.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let form = Form::<S>::deserialize(from)?;
        let mut profile = Profile::DEFAULT
            .with_country(form.country)
            .with_language(form.language)
            .with_plan(form.plan)
            .with_role(form.role)
            .with_verified(form.verified)
            .with_active(form.active)
            .with_email_confirmed(form.email_confirmed)
            .with_two_factor(form.two_factor)
            .with_newsletter(form.newsletter)
            .with_marketing(form.marketing)
            .with_private(form.private)
            .with_suspended(form.suspended)
            .with_deleted(form.deleted)
            .with_beta(form.beta)
            .with_trial(form.trial)
            .with_dark_mode(form.dark_mode)
            .with_api_access(form.api_access)
            .with_open_messages(form.open_messages)
            .with_avatar(form.avatar)
            .with_priority_support(form.priority_support)
            .with_last_login_day(form.last_login_day);
        profile.try_set_age(form.age).map_err(D::Error::custom)?;
        profile.try_set_logins(form.logins).map_err(D::Error::custom)?;
        let counts = Counts {
            posts: form.posts,
            followers: form.followers,
            following: form.following,
            likes: form.likes,
        };
        let (id, username, email) = (form.id, form.username, form.email);
        Ok(UserParts { id, username, email, counts, profile }.into())
    }
}

/// Reads a value from its text code, without a copy of the text.
pub(crate) struct CodeVisitor<T> {
    expecting: &'static str,
    value: PhantomData<T>,
}

impl<T> CodeVisitor<T> {
    pub(crate) const fn new(expecting: &'static str) -> Self {
        Self { expecting, value: PhantomData }
    }
}

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for CodeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, code: &str) -> Result<T, E> {
        code.parse().map_err(E::custom)
    }
}
