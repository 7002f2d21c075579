//! The wide record.

use std::collections::HashMap;

/// A user with everything a service ever knew about them: about 55 KB in more than a hundred
/// allocations.
///
/// With `serde` a record is one line of NDJSON, the same line for the same record: maps are written
/// in the order of their keys, the payload as hexadecimal text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WideUser {
    /// Identity of the user.
    pub id: u64,
    /// Name the user goes by.
    pub username: String,
    /// Mail address.
    pub email: String,
    /// Name in full.
    pub full_name: String,
    /// What the user says about themself.
    pub bio: String,
    /// Address of the picture.
    pub avatar_url: String,
    /// Telephone number, if one was given.
    pub phone: Option<String>,
    /// Where the user lives.
    pub address: Address,
    /// Code of the language, as in [`Language`](crate::Language).
    pub language: String,
    /// Code of the plan, as in [`Plan`](crate::Plan).
    pub plan: String,
    /// Code of the role, as in [`Role`](crate::Role).
    pub role: String,
    /// Age in years.
    pub age: u32,
    /// Posts written.
    pub posts: u64,
    /// Users who follow this one.
    pub followers: u64,
    /// Users whom this one follows.
    pub following: u64,
    /// Likes received.
    pub likes: u64,
    /// Logins so far.
    pub logins: u64,
    /// Last login, in seconds since 1970-01-01 (UTC); 0 when there was none.
    pub last_login_seconds: u64,
    /// Switches by the name of their [`Flag`](crate::Flag); what is missing is off.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::serde_form::sorted"))]
    pub settings: HashMap<String, bool>,
    /// Words that others filed the user under.
    pub tags: Vec<String>,
    /// Words that the user chose.
    pub interests: Vec<String>,
    /// Ids of friends.
    pub friends: Vec<u64>,
    /// The last sessions.
    pub sessions: Vec<Session>,
    /// Texts of the last posts.
    pub timeline: Vec<String>,
    /// Whatever else was filed.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::serde_form::sorted"))]
    pub metadata: HashMap<String, String>,
    /// Raw bytes, such as a picture.
    #[cfg_attr(feature = "serde", serde(with = "super::serde_form::hex"))]
    pub payload: Vec<u8>,
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// Town or city.
    pub city: String,
    /// State, province, county.
    pub region: String,
    /// Postal code.
    pub postcode: String,
    /// Code of the country, as in [`Country`](crate::Country).
    pub country: String,
}

/// One session of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Session {
    /// Address of the client.
    pub ip: String,
    /// What the client calls itself.
    pub agent: String,
    /// Start, in seconds since 1970-01-01 (UTC).
    pub started_seconds: u64,
}
