//! Checkpoints that are not what a run has left: a damaged file is an error that says so.
#![cfg(all(feature = "csv", feature = "ndjson"))]

mod checkpoint_support;

use proptest::prelude::*;
use tempfile::TempDir;

fn sampled() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let sample = checkpoint_support::sample(folder.path());
    (folder, String::from_utf8(sample).unwrap())
}

#[test]
fn a_sound_one_is_gone_on_from() {
    let (folder, sample) = sampled();
    // The case's own file has the bytes that the sample tells of.
    let report = checkpoint_support::go_on(folder.path(), sample.as_bytes()).unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (2, 1));
}

/// Symptom: a run with a damaged checkpoint panicked ("attempt to add with overflow"; without
/// overflow checks its counts were nonsense), or opened files outside of the destination's folder.
/// Cause: numbers and names were taken as they were. Fix: they are looked at first.
#[test]
fn numbers_and_names_that_no_run_writes_are_refused() {
    let (folder, sample) = sampled();
    let most = u64::MAX.to_string();
    for (from, to) in [
        ("\"epoch\": 1,\n  \"checkpoint\"", format!("\"epoch\": {most},\n  \"checkpoint\"")),
        ("\"read\": 2", format!("\"read\": {most}")),
        ("\"emitted\": 2", format!("\"emitted\": {most}")),
        ("\"values\": 2", format!("\"values\": {most}")),
        ("\"number\": 0", "\"number\": 4294967295".to_owned()),
        ("\"name\": \"out.csv\"", "\"name\": \"../out.csv\"".to_owned()),
        ("\"name\": \"out.csv\"", "\"name\": \"/tmp/out.csv\"".to_owned()),
        ("\"name\": \"out.csv\"", "\"name\": \"\"".to_owned()),
    ] {
        assert!(sample.contains(from), "{from} is not in {sample}");
        let error = checkpoint_support::go_on(folder.path(), sample.replace(from, &to).as_bytes())
            .expect_err(&to);
        assert!(error.to_string().contains("damaged"), "{to}: {error}");
    }
}

#[test]
fn positions_that_no_source_gives_are_refused() {
    let (folder, _) = sampled();
    let bytes = |numbers: &[u64]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    for numbers in [[0, u64::MAX, 1], [0, 0, u64::MAX], [u64::MAX; 3], [8, 0, 1], [0, 0, 0]] {
        checkpoint_support::seek(folder.path(), &bytes(&numbers));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_bytes_are_gone_on_from_or_refused(
        position in prop::collection::vec(any::<u8>(), 0..50),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (folder, sample) = sampled();
        let mut bytes = sample.into_bytes();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        _ = checkpoint_support::go_on(folder.path(), &bytes);
        checkpoint_support::seek(folder.path(), &position);
    }
}
