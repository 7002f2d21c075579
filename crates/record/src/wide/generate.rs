//! Seeded generation of wide records.

use std::collections::HashMap;
use std::fmt::Write;

use fastrand::Rng;

use crate::flag::Flag;
use crate::generator::Generator;
use crate::wide::{Address, Session, WideUser};

// Together about 55 KB, counted by an allocator in `tests/memory.rs`.
const BIO_BYTES: usize = 2_000;
const TAGS: usize = 16;
const INTERESTS: usize = 16;
const FRIENDS: usize = 500;
const SESSIONS: usize = 6;
const AGENT_BYTES: usize = 120;
const POSTS: usize = 12;
const POST_BYTES: usize = 1_400;
const METADATA: usize = 20;
const METADATA_BYTES: usize = 200;
const PAYLOAD_BYTES: usize = 23_000;

impl Generator {
    /// The wide record with this id: what [`record`](Self::record) makes of the id, and some
    /// 55 KB around it. As for packed records, it is a pure function of the seed and the id.
    #[must_use]
    pub fn wide(&self, id: u64) -> WideUser {
        let core = self.record(id);
        let (counts, profile) = (core.counts(), core.profile());
        let rng = &mut Rng::with_seed(core.checksum());
        let first = core.username().trim_end_matches(|letter: char| letter.is_ascii_digit());
        WideUser {
            id,
            username: core.username().to_owned(),
            email: core.email().to_owned(),
            full_name: format!("{first} {}", pick(rng)),
            bio: prose(rng, BIO_BYTES),
            avatar_url: format!("https://img.test/{}.png", core.username()),
            phone: rng.bool().then(|| format!("+{}", rng.u64(10_000_000..10_000_000_000))),
            address: Address {
                street: format!("{} street {}", pick(rng), rng.u8(1..)),
                city: pick(rng).to_owned(),
                region: pick(rng).to_owned(),
                postcode: rng.u32(10_000..100_000).to_string(),
                country: profile.country().code().to_owned(),
            },
            language: profile.language().code().to_owned(),
            plan: profile.plan().code().to_owned(),
            role: profile.role().code().to_owned(),
            age: profile.age().value().into(),
            posts: counts.posts.into(),
            followers: counts.followers.into(),
            following: counts.following.into(),
            likes: counts.likes.into(),
            logins: profile.logins().value().into(),
            last_login_seconds: match profile.last_login_day() {
                0 => 0,
                day => u64::from(day) * 86_400 + rng.u64(..86_400),
            },
            settings: Flag::ALL.map(|flag| (flag.name().to_owned(), core.flag(flag))).into(),
            tags: (0..TAGS).map(|_| pick(rng).to_owned()).collect(),
            interests: (0..INTERESTS).map(|_| pick(rng).to_owned()).collect(),
            friends: (0..FRIENDS).map(|_| rng.u64(..10_000_000_000)).collect(),
            sessions: (0..SESSIONS).map(|_| session(rng)).collect(),
            timeline: (0..POSTS).map(|_| prose(rng, POST_BYTES)).collect(),
            metadata: (0..METADATA)
                .map(|key| (format!("{}-{key}", pick(rng)), prose(rng, METADATA_BYTES)))
                .collect::<HashMap<_, _>>(),
            payload: (0..PAYLOAD_BYTES).map(|_| rng.u8(..)).collect(),
        }
    }
}

fn session(rng: &mut Rng) -> Session {
    // Of the network that RFC 5737 keeps for documents.
    let mut ip = String::with_capacity(15);
    write!(ip, "192.0.2.{}", rng.u8(..)).expect("writing to a string cannot fail");
    Session {
        ip,
        agent: prose(rng, AGENT_BYTES),
        started_seconds: 18_000 * 86_400 + rng.u64(..2_500 * 86_400),
    }
}

/// Words up to a length in bytes, in one allocation of that length.
fn prose(rng: &mut Rng, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes);
    loop {
        let word = pick(rng);
        if text.len() + word.len() + 1 > bytes {
            return text;
        }
        text.push_str(word);
        text.push(' ');
    }
}

fn pick(rng: &mut Rng) -> &'static str {
    const WORDS: [&str; 32] = [
        "quarry", "gravel", "granite", "marble", "basalt", "slate", "chalk", "flint", "pebble",
        "boulder", "sand", "clay", "drum", "screen", "sieve", "belt", "crane", "truck", "ore",
        "seam", "dust", "rock", "crush", "sort", "wash", "load", "haul", "drill", "blast", "pit",
        "bench", "bank",
    ];
    WORDS[rng.usize(..WORDS.len())]
}
