//! Whatever the bytes and wherever they are cut: the rows of the `csv` crate.
#![cfg(feature = "csv")]

mod csv_support;

use csv_support::{Case, compare, rows_resumed};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::io::Write;

/// Bytes of which CSV is made, those that mean something more often than not.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let any = select(b"aab,,;\"\"\"'\n\n\r\\#\xc3 1".to_vec());
    let piece = prop_oneof![
        8 => any.prop_map(|byte| vec![byte]),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\"x,\"\"\ny\",".to_vec()),
        1 => Just(b"\n# it's \"a\" comment\r\n".to_vec()),
        1 => Just(b"0123456789012345678901234567890123456789\n".to_vec()),
    ];
    let body = vec(piece, 0..150).prop_map(|pieces| pieces.concat());
    (prop_oneof![9 => Just(&b""[..]), 1 => Just(&b"\xef\xbb\xbf"[..])], body)
        .prop_map(|(mark, body)| [mark, &body].concat())
}

fn case() -> impl Strategy<Value = Case> {
    any::<[u8; Case::BYTES]>().prop_map(Case::from_bytes)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn rows_and_places_are_those_of_the_csv_crate(case in case(), data in bytes()) {
        compare(&case, &data);
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn every_position_resumes_exactly(case in case(), data in bytes()) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&data).unwrap();
        let all = rows_resumed(&case, file.path(), &data);
        prop_assert_eq!(&all, &csv_support::reference(&case, &data), "{:?} {}", case, data.escape_ascii());
    }
}
