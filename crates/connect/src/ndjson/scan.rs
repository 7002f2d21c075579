//! Validating JSON without making anything of it, and finding where values are.
//!
//! No recursion: what is open is kept in the bits of a number, so the depth of a hostile row costs
//! nothing, and a row that is nested deeper than [`DEEPEST`] is a fault of that row.

/// Arrays and objects within each other. The same as the limit of `serde_json`.
pub(super) const DEEPEST: u32 = 127;

/// What is wrong, and at which byte of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

/// Key and value of an object: bytes of the text, the key without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: (u32, u32),
    /// Whether there are backslashes in the key.
    pub(super) escaped: bool,
    pub(super) value: (u32, u32),
}

type Scan<T> = Result<T, Fault>;

fn fault<T>(at: usize, what: &'static str) -> Scan<T> {
    Err(Fault { at, what })
}

/// Lists the members of the object that `text` is; answers `false` when it is some other value.
/// Either way all of it is checked.
pub(super) fn members(text: &[u8], found: &mut Vec<Member>) -> Scan<bool> {
    found.clear();
    let start = blanks(text, 0);
    if text.get(start) != Some(&b'{') {
        end(text, value(text, start)?)?;
        return Ok(false);
    }
    let mut at = blanks(text, start + 1);
    if text.get(at) == Some(&b'}') {
        end(text, at + 1)?;
        return Ok(true);
    }
    loop {
        let (key_end, escaped) = key(text, at)?;
        let from = colon(text, key_end)?;
        let to = nested(text, from, DEEPEST - 1)?;
        let place = |at: usize| at as u32;
        found.push(Member {
            key: (place(at + 1), place(key_end - 1)),
            escaped,
            value: (place(from), place(to)),
        });
        at = blanks(text, to);
        match text.get(at) {
            Some(b',') => at = blanks(text, at + 1),
            Some(b'}') => {
                end(text, at + 1)?;
                return Ok(true);
            }
            _ => return fault(at, "expected `,` or `}`"),
        }
    }
}

/// The bytes of element `index` of the array that `text`, which is valid, is.
pub(super) fn element(text: &[u8], index: usize) -> Option<(usize, usize)> {
    let start = blanks(text, 0);
    if text.get(start) != Some(&b'[') {
        return None;
    }
    let mut at = blanks(text, start + 1);
    for _ in 0..index {
        at = blanks(text, value(text, at).ok()?);
        if text.get(at) != Some(&b',') {
            return None;
        }
        at = blanks(text, at + 1);
    }
    Some((at, value(text, at).ok()?))
}

/// Checks that only blanks follow.
fn end(text: &[u8], at: usize) -> Scan<()> {
    match blanks(text, at) {
        at if at == text.len() => Ok(()),
        at => fault(at, "more behind the end of the value"),
    }
}

fn value(text: &[u8], at: usize) -> Scan<usize> {
    nested(text, at, DEEPEST)
}

/// Passes a value; `deepest` arrays and objects may be within each other.
fn nested(text: &[u8], mut at: usize, deepest: u32) -> Scan<usize> {
    // One bit for each that is open, the innermost being the lowest: 1 for an object.
    let mut open: u128 = 0;
    let mut depth = 0;
    loop {
        at = blanks(text, at);
        let Some(&first) = text.get(at) else {
            return fault(at, "the row ends where a value is expected: it was cut off");
        };
        if first == b'{' || first == b'[' {
            if depth == deepest {
                return fault(at, "nested deeper than 127 arrays and objects");
            }
            let is_object = first == b'{';
            let inner = blanks(text, at + 1);
            if text.get(inner) == Some(if is_object { &b'}' } else { &b']' }) {
                at = inner + 1;
            } else {
                depth += 1;
                open = open << 1 | u128::from(is_object);
                at = match is_object {
                    true => colon(text, key(text, inner)?.0)?,
                    false => inner,
                };
                continue;
            }
        } else {
            at = scalar(text, at, first)?;
        }
        // Behind a value: what was opened goes on or ends.
        loop {
            if depth == 0 {
                return Ok(at);
            }
            at = blanks(text, at);
            let is_object = open & 1 == 1;
            match text.get(at) {
                Some(b',') if is_object => {
                    let next = blanks(text, at + 1);
                    at = colon(text, key(text, next)?.0)?;
                    break;
                }
                Some(b',') => {
                    at += 1;
                    break;
                }
                Some(b'}') if is_object => {}
                Some(b']') if !is_object => {}
                None => return fault(at, "the row ends inside an array or object: it was cut off"),
                Some(_) if is_object => return fault(at, "expected `,` or `}`"),
                Some(_) => return fault(at, "expected `,` or `]`"),
            }
            at += 1;
            depth -= 1;
            open >>= 1;
        }
    }
}

#[inline]
fn blanks(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// Passes a key; says whether there are backslashes in it.
fn key(text: &[u8], at: usize) -> Scan<(usize, bool)> {
    match text.get(at) {
        Some(b'"') => string(text, at + 1),
        None => fault(at, "the row ends where a key is expected: it was cut off"),
        Some(_) => fault(at, "expected a key in quotes"),
    }
}

fn colon(text: &[u8], at: usize) -> Scan<usize> {
    let at = blanks(text, at);
    match text.get(at) {
        Some(b':') => Ok(blanks(text, at + 1)),
        _ => fault(at, "expected `:`"),
    }
}

fn scalar(text: &[u8], at: usize, first: u8) -> Scan<usize> {
    let word = |word: &[u8]| match text[at..].starts_with(word) {
        true => Ok(at + word.len()),
        false => fault(at, "expected a value"),
    };
    match first {
        b'"' => Ok(string(text, at + 1)?.0),
        b'-' | b'0'..=b'9' => number(text, at),
        b't' => word(b"true"),
        b'f' => word(b"false"),
        b'n' => word(b"null"),
        _ => fault(at, "expected a value"),
    }
}

/// Passes a string from behind its opening quote; says whether there are backslashes in it.
fn string(text: &[u8], mut at: usize) -> Scan<(usize, bool)> {
    let mut escaped = false;
    loop {
        at = plain(text, at);
        match text.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = match text.get(at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at + 2,
                    Some(b'u') => match text.get(at + 2..at + 6) {
                        Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => at + 6,
                        _ => return fault(at, "`\\u` takes four hexadecimal digits"),
                    },
                    _ => return fault(at, "no such escape"),
                };
            }
            Some(_) => return fault(at, "a control character in a string must be escaped"),
            None => return fault(at, "the row ends inside a string: it was cut off"),
        }
    }
}

/// Where the next quote, backslash or control character is, or the end.
#[inline]
fn plain(text: &[u8], mut at: usize) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte becomes 0 where it is the one sought, and `x - 1 & !x` sets the top bit of a zero; the
    // lowest top bit set is always right, those above it may be borrowed.
    let zero = |word: u64| word.wrapping_sub(LOW) & !word;
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(LOW * 0x20) & !word;
        let quote = zero(word ^ (LOW * u64::from(b'"')));
        let slash = zero(word ^ (LOW * u64::from(b'\\')));
        let marks = (control | quote | slash) & HIGH;
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = text.get(at)
        && !matches!(byte, b'"' | b'\\' | 0..0x20)
    {
        at += 1;
    }
    at
}

fn number(text: &[u8], mut at: usize) -> Scan<usize> {
    let digits = |mut at: usize| {
        let from = at;
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        match at > from {
            true => Ok(at),
            false => fault(at, "expected a digit"),
        }
    };
    if text[at] == b'-' {
        at += 1;
    }
    at = match text.get(at) {
        Some(b'0') => at + 1,
        _ => digits(at)?,
    };
    if text.get(at).is_some_and(u8::is_ascii_digit) {
        return fault(at, "a number may not start with 0");
    }
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(at)?;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), &'static str> {
        members(text.as_bytes(), &mut Vec::new()).map(drop).map_err(|fault| fault.what)
    }

    #[test]
    fn members_are_found_with_their_bytes() {
        let text = br#" {"a" : 1 ,"b\n":{"x":[1,{"y":"}"}]}, "":null} "#;
        let mut found = Vec::new();
        assert!(members(text, &mut found).unwrap());
        let slice = |(from, to): (u32, u32)| {
            std::str::from_utf8(&text[from as usize..to as usize]).unwrap()
        };
        let all: Vec<_> =
            found.iter().map(|it| (slice(it.key), it.escaped, slice(it.value))).collect();
        assert_eq!(
            all,
            [("a", false, "1"), ("b\\n", true, r#"{"x":[1,{"y":"}"}]}"#), ("", false, "null")]
        );
        let array = b"[ 1, [2,3] ,\"4\"]";
        let at = |index| element(array, index).map(|(from, to)| &array[from..to]);
        assert_eq!(at(1), Some(&b"[2,3]"[..]));
        assert_eq!((at(2), at(3)), (Some(&b"\"4\""[..]), None));
    }

    #[test]
    fn depth_is_limited_without_recursion() {
        let nest = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&nest(127)), Ok(()));
        let object = |depth| format!("{{\"a\":{}}}", nest(depth));
        assert_eq!(check(&object(126)), Ok(()));
        for text in [nest(128), object(127), nest(1_000_000), "[".repeat(1_000_000)] {
            assert_eq!(check(&text), Err("nested deeper than 127 arrays and objects"));
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "{",
            "[1",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "\"a",
            "tru",
            "01",
            "-",
            "1.",
            "1e",
            "{\"a\":1,}",
            "[1,]",
            "{a:1}",
            "1 2",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "{\"a\":1]",
            "nul",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
