//! `trommel.h` and `trommel_arrow.h` are written by hand; `cbindgen` makes a header of the sources,
//! and both must declare the same functions, structs and numbers.
#![cfg(all(feature = "arrow", feature = "csv", feature = "sqlite"))]

#[path = "header/declarations.rs"]
mod declarations;
#[path = "header/sources.rs"]
mod sources;

use declarations::Declarations;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

fn committed() -> String {
    let read = |name| std::fs::read_to_string(format!("{CRATE}/include/{name}")).unwrap();
    read("trommel.h") + &read("trommel_arrow.h")
}

/// What differs, one line each.
fn differences(header: &str, generated: &str) -> Vec<String> {
    let (header, generated) = (Declarations::of(header), Declarations::of(generated));
    let mut found = Vec::new();
    let mut compare = |name: &str, ours: Option<&Vec<String>>, theirs: Option<&Vec<String>>| {
        if ours != theirs {
            found.push(format!("{name}: the header has {ours:?}, the sources have {theirs:?}"));
        }
    };
    let names = |of: fn(&Declarations) -> &declarations::Named| {
        let mut names: Vec<String> =
            of(&header).keys().chain(of(&generated).keys()).cloned().collect();
        names.retain(|name| name.starts_with("trommel_"));
        names.sort();
        names.dedup();
        names
    };
    for name in names(|all| &all.functions) {
        compare(&name, header.functions.get(&name), generated.functions.get(&name));
    }
    for name in names(|all| &all.structs) {
        compare(&name, header.structs.get(&name), generated.structs.get(&name));
    }
    for name in names(|all| &all.numbers) {
        compare(&name, header.numbers.get(&name), generated.numbers.get(&name));
    }
    found
}

#[test]
fn the_header_declares_what_the_sources_have() {
    let (header, generated) = (committed(), sources::header());
    let declared = Declarations::of(&header);
    assert_eq!(
        (declared.functions.len(), declared.functions.len()),
        (
            trommel::EXPORTS.iter().map(|names| names.len()).sum(),
            Declarations::of(&generated).functions.len()
        ),
        "all functions are looked at"
    );
    assert_eq!(declared.structs.keys().filter(|name| name.starts_with("trommel_")).count(), 12);
    assert_eq!(declared.numbers.len(), 9);
    assert_eq!(declared.numbers["trommel_status"].len(), 19);
    let found = differences(&header, &generated);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A struct that begins with its size can grow. A value can't: rows are arrays of them.
#[test]
fn every_struct_begins_with_its_size() {
    let structs = Declarations::of(&committed()).structs;
    let ours = structs.iter().filter(|(name, _)| name.starts_with("trommel_"));
    let without: Vec<&str> = ours
        .filter(|(_, fields)| fields[0] != "uint32_t size")
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(without, ["trommel_value", "trommel_value_content"]);
}

/// The negative control: each planted difference is found, and nothing else.
#[test]
fn planted_differences_are_found() {
    let (header, generated) = (committed(), sources::header());
    for (was, planted, found_in) in [
        ("uint32_t batch_min;", "uint32_t batch_least;", "trommel_options"),
        ("uint64_t max_rejects;", "uint32_t max_rejects;", "trommel_options"),
        (
            "    uint64_t read;\n    uint64_t loaded;",
            "    uint64_t loaded;\n    uint64_t read;",
            "trommel_report",
        ),
        ("size_t output_stride;", "", "trommel_batch"),
        ("size_t row, size_t length);", "size_t length);", "trommel_call_commit"),
        ("uint32_t trommel_engine_workers", "int trommel_engine_workers", "trommel_engine_workers"),
        ("const char *trommel_features(void);", "", "trommel_features"),
        ("size_t room, size_t *count", "size_t room, size_t count", "trommel_source"),
        ("TROMMEL_STATUS_STATE = 5", "TROMMEL_STATUS_STATE = 15", "trommel_status"),
        ("int64_t integer;", "int32_t integer;", "trommel_value"),
        ("TROMMEL_STAGE_SINK = 3", "TROMMEL_STAGE_SINK = 4", "trommel_stage"),
        ("TROMMEL_TIER_LIGHT = 2", "TROMMEL_TIER_EASY = 2", "trommel_tier"),
        ("TROMMEL_ORDERED = 0, ", "", "trommel_order"),
        ("TROMMEL_REJECT_FILE = 2", "TROMMEL_REJECT_FILE = 5", "trommel_on_reject"),
        ("TROMMEL_PANIC_FAIL = 0", "TROMMEL_PANIC_FAIL = 2", "trommel_on_panic"),
        ("TROMMEL_CANCELLED = 1", "TROMMEL_CANCELLED = 3", "trommel_outcome"),
        ("TROMMEL_TEXT = 3", "TROMMEL_STRING = 3", "trommel_kind"),
        ("TROMMEL_WRITTEN = 3", "TROMMEL_WRITTEN = 1", "trommel_verdict"),
    ] {
        let changed = header.replacen(was, planted, 1);
        assert_ne!(changed, header, "`{was}` is in the header");
        let found = differences(&changed, &generated);
        assert!(found.len() == 1 && found[0].starts_with(found_in), "`{planted}`: {found:?}");
    }
}
