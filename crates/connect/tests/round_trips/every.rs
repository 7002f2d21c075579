//! Records of every type, as far as a destination can hold them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a destination can hold beyond what all can.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holds {
    /// Whole numbers beyond `i64`, of up to 38 digits.
    pub(crate) big: bool,
    /// Those of 39 digits.
    pub(crate) huge: bool,
    /// Infinite floats.
    pub(crate) infinite: bool,
    /// The character of code 0.
    pub(crate) nul: bool,
    /// Variants with fields.
    pub(crate) variants: bool,
}

pub(crate) const ALL: Holds =
    Holds { big: true, huge: true, infinite: true, nul: true, variants: true };

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Shape {
    Point,
    #[serde(rename = "{odd, but a name}")]
    Odd,
    Of(i32),
    Both(i64, String),
    Named {
        x: f64,
        y: Option<Vec<u8>>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Nested {
    name: String,
    sizes: Vec<f32>,
    more: Option<Box<Nested>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(u16);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Every {
    id: u32,
    i8: i8,
    i16: i16,
    i32: i32,
    i64: i64,
    i128: i128,
    u8: u8,
    u16: u16,
    u32: u32,
    u64: u64,
    u128: u128,
    f32: f32,
    f64: f64,
    flag: bool,
    letter: char,
    text: String,
    maybe_text: Option<String>,
    maybe_number: Option<f64>,
    never: Option<String>,
    #[serde(with = "trommel_connect::table::bytes")]
    bytes: Vec<u8>,
    list: Vec<u8>,
    texts: Vec<Option<String>>,
    pair: (i64, i64),
    nested: Nested,
    maybe_nested: Option<Nested>,
    map: BTreeMap<String, u64>,
    shape: Shape,
    maybe_shape: Option<Shape>,
    wrapped: Wrapped,
    wait: Duration,
    day: String,
    at: String,
}

fn nested(depth: usize) -> Nested {
    Nested {
        name: format!("\"{depth}\" {{[,\n"),
        sizes: vec![0.1, f32::MAX, depth as f32],
        more: depth.checked_sub(1).map(|depth| Box::new(nested(depth))),
    }
}

/// Texts that something or other could take for something else.
const TEXTS: [&str; 16] = [
    "",
    "plain",
    "say \"hi\", or 'hi'; or\tnot",
    "two\nlines\r\nand\rmore",
    " blanks ",
    "ʤ äöü 🦀 \u{feff}",
    "\u{feff}mark first",
    "NULL",
    "null",
    "\\N",
    "007",
    "-1e5",
    "true",
    "{\"a\":[1]}",
    "[1,2",
    "\\\"\\\\",
];

/// Records whose values are the least, the greatest, and what lies between.
pub(crate) fn every(holds: Holds) -> Vec<Every> {
    let record = |id: usize| {
        let text = TEXTS[id % TEXTS.len()];
        let pick = id % 3;
        let nul = if holds.nul { '\0' } else { '\u{1}' };
        Every {
            id: id as u32,
            i8: [i8::MIN, -1, i8::MAX][pick],
            i16: [i16::MIN, 0, i16::MAX][pick],
            i32: [i32::MIN, 1, i32::MAX][pick],
            i64: [i64::MIN, 1 << 53 | 1, i64::MAX][pick],
            i128: match (holds.huge, holds.big) {
                (true, _) => [i128::MIN, 7, i128::MAX][pick],
                (_, true) => [1 - 10_i128.pow(38), 7, 10_i128.pow(38) - 1][pick],
                _ => [i64::MIN.into(), 7, i64::MAX.into()][pick],
            },
            u8: [0, 127, u8::MAX][pick],
            u16: [0, 256, u16::MAX][pick],
            u32: [0, 65_537, u32::MAX][pick],
            u64: [0, 1 << 53 | 1, if holds.big { u64::MAX } else { i64::MAX as u64 }][pick],
            u128: match (holds.huge, holds.big) {
                (true, _) => [0, 7, u128::MAX][pick],
                (_, true) => [0, 7, 10_u128.pow(38) - 1][pick],
                _ => [0, 7, i64::MAX as u128][pick],
            },
            f32: [0.1, f32::MIN_POSITIVE, -f32::MAX][pick],
            f64: match (id % 5, holds.infinite) {
                (0, _) => 0.1 + 0.2,
                (1, _) => 5e-324,
                (2, _) => -f64::MAX,
                (3, true) => f64::NEG_INFINITY,
                _ => 12.0,
            },
            flag: id.is_multiple_of(2),
            letter: ['a', '"', '\n', ',', '🦀', ' ', nul][id % 7],
            text: if id == 17 { format!("a{nul}b") } else { text.to_owned() },
            maybe_text: (pick > 0).then(|| text.to_owned()),
            maybe_number: (pick == 1).then_some(-0.5),
            never: None,
            bytes: [vec![], vec![0, 255, b'"', b'\n', 128], b"[1,2]".to_vec()][pick].clone(),
            list: [vec![], vec![0, 255], vec![7; 300]][pick].clone(),
            texts: (0..pick).map(|at| (at != 1).then(|| text.to_owned())).collect(),
            pair: (id as i64, i64::MIN),
            nested: nested(pick),
            maybe_nested: (pick == 1).then(|| nested(0)),
            map: (0..pick).map(|at| (format!("{text}{at}"), at as u64)).collect(),
            shape: match (id % 5, holds.variants) {
                (1, _) => Shape::Odd,
                (2, true) => Shape::Of(-7),
                (3, true) => Shape::Both(i64::MIN, text.to_owned()),
                (4, true) => Shape::Named { x: 0.1 + 0.2, y: Some(vec![1]) },
                _ => Shape::Point,
            },
            maybe_shape: match (pick, holds.variants) {
                (0, _) => None,
                (1, true) => Some(Shape::Named { x: -1.5, y: None }),
                _ => Some(Shape::Point),
            },
            wrapped: Wrapped(u16::MAX),
            wait: Duration::new(u32::MAX.into(), 999_999_999),
            day: "2013-01-01".to_owned(),
            at: "2013-01-01T05:00:00.123456Z".to_owned(),
        }
    };
    (0..60).map(record).collect()
}
