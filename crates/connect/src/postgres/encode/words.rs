//! What single bytes and words of a text mean.

/// Most texts are too short for a search to pay.
#[inline(always)]
pub(super) fn has_nul(text: &[u8]) -> bool {
    match text.len() {
        0..=16 => text.contains(&0),
        _ => memchr::memchr(0, text).is_some(),
    }
}

pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

/// The words for truth that PostgreSQL reads.
pub(super) fn truth(text: &str) -> Option<bool> {
    let is = |words: [&str; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text {
        _ if is(["true", "t", "1", "yes", "on"]) => Some(true),
        _ if is(["false", "f", "0", "no", "off"]) => Some(false),
        _ => None,
    }
}
