//! Many files as one source.

use super::*;

fn write_parts(dir: &Path) -> Vec<PathBuf> {
    let parts = [
        ("a.csv", 0, 500),
        ("b.csv.gz", 500, 500),
        ("c.csv.zst", 500, 2_000),
        ("d.csv", 2_000, 2_001),
    ];
    parts
        .into_iter()
        .map(|(name, from, to)| {
            let path = dir.join(name);
            let packed = compress(Compression::of_path(&path), table(from, to).as_bytes());
            std::fs::write(&path, packed).unwrap();
            path
        })
        .collect()
}

#[test]
fn many_files_are_one_source_whose_positions_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_parts(dir.path());
    std::fs::write(dir.path().join("_SUCCESS"), "").unwrap();
    std::fs::create_dir(dir.path().join("more")).unwrap();
    let pattern = format!("{}/*.csv*", dir.path().display());
    let sources = [
        csv::Source::open_many(&paths),
        csv::Source::open_directory(dir.path()),
        csv::Source::open_glob(&pattern),
    ];
    for source in sources {
        let mut source = source.unwrap();
        let stored: u64 = paths.iter().map(|path| path.metadata().unwrap().len()).sum();
        assert_eq!(source.size().bytes, Some(stored));
        assert_eq!(all_ids(&mut source), (0..2_001).collect::<Vec<_>>());
        assert_eq!(source.bytes_read(), stored);
    }
    let mut source = csv::Source::open_many(&paths).unwrap();
    let mut stops = vec![(source.position().unwrap(), 0)];
    let (all, _) = ids(&mut source, 300, |source, rows| {
        stops.push((source.position().unwrap(), rows));
    });
    for (position, rows) in &stops {
        let mut source = csv::Source::open_many(&paths).unwrap();
        source.seek(position).unwrap();
        assert_eq!(all_ids(&mut source), all[*rows..]);
    }
    // Another order is another source.
    let swapped = [&paths[1], &paths[0], &paths[3], &paths[2]];
    let mut source = csv::Source::open_many(swapped).unwrap();
    let error = source.seek(&stops.last().unwrap().0).unwrap_err();
    assert!(error.message().contains("is not the one in which the earlier run stopped"), "{error}");
    let mut one = csv::Source::open(&paths[0]).unwrap();
    assert_eq!(one.seek(&stops[0].0).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn rows_say_in_which_file_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    std::fs::write(&paths[0], "id,name\n1,x\n2\n").unwrap();
    std::fs::write(&paths[1], "id,name\n\n3\n4,y").unwrap();
    let mut source = csv::Source::open_many(&paths).unwrap();
    let mut batch = csv::Batch::default();
    let mut faults = HashMap::new();
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(100)).unwrap();
        batch
            .for_each(0, |row| {
                if let Err(error) = row {
                    let origin = error.origin().unwrap();
                    let place = (origin.line, origin.offset, origin.record);
                    faults.insert(origin.source.clone().unwrap().to_string(), place);
                }
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            break;
        }
    }
    let name = |path: &PathBuf| path.display().to_string();
    assert_eq!(faults[&name(&paths[0])], (Some(3), Some(12), Some(1)));
    assert_eq!(faults[&name(&paths[1])], (Some(3), Some(9), Some(0)));
}

#[test]
fn a_header_that_differs_ends_the_run_and_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    std::fs::write(&paths[0], "id,name\n1,x\n").unwrap();
    let cases = [
        ("name,id\n", "column 0 (counted from 0) is `name` and not `id`"),
        ("id\n", "1 field where 2 are expected"),
        ("id,name,more\n", "3 fields where 2 are expected"),
    ];
    for (header, expected) in cases {
        std::fs::write(&paths[1], format!("{header}1,2\n")).unwrap();
        let mut source = csv::Source::open_many(&paths).unwrap();
        let (seen, error) = ids(&mut source, 100, |_, _| {});
        let error = error.unwrap();
        assert_eq!((seen, error.kind()), (vec![1], ErrorKind::Config));
        assert!(error.message().contains(expected), "{error}");
        assert_eq!(error.origin().unwrap().source.as_deref(), paths[1].to_str());
        // Asked again it says the same, and doesn't go on as if nothing were.
        assert!(ids(&mut source, 100, |_, _| {}).1.is_some());
        let given = csv::Source::builder().headers(["x", "y"]).flexible(true);
        assert_eq!(all_ids(&mut given.open_many(&paths).unwrap()), [1, 1]);
    }
    std::fs::write(&paths[0], "").unwrap();
    std::fs::write(&paths[1], "id,name\n1,2\n").unwrap();
    assert_eq!(all_ids(&mut csv::Source::open_many(&paths).unwrap()), [1]);
}

#[test]
fn what_is_not_there_is_said_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let there = dir.path().join("a.csv");
    std::fs::write(&there, "id\n1\n").unwrap();
    let missing = dir.path().join("b.csv");
    let error = csv::Source::open_many([&there, &missing]).unwrap_err();
    assert!(
        error.message().contains("cannot open") && error.message().contains("b.csv"),
        "{error}"
    );
    let error = csv::Source::open_many([there.as_path(), dir.path()]).unwrap_err();
    assert!(error.message().contains("not a regular file"), "{error}");
    let none = Vec::<PathBuf>::new();
    assert_eq!(csv::Source::open_many(none).unwrap_err().kind(), ErrorKind::Config);
    let error = csv::Source::open_glob("/nowhere/*.csv").unwrap_err();
    assert!(error.message().contains("no file matches `/nowhere/*.csv`"), "{error}");
    assert_eq!(csv::Source::open_glob("a***").unwrap_err().kind(), ErrorKind::Config);
    let empty = tempfile::tempdir().unwrap();
    let error = csv::Source::open_directory(empty.path()).unwrap_err();
    assert!(error.message().contains("there is no file in"), "{error}");
    let error = csv::Source::open_directory(dir.path().join("x")).unwrap_err();
    assert!(error.message().contains("cannot list"), "{error}");
}

#[test]
fn a_changed_file_has_another_fingerprint() {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_parts(dir.path());
    let print = || csv::Source::open_many(&paths).unwrap().fingerprint().unwrap().unwrap();
    let then = print();
    assert_eq!(then.difference(&print()), None);
    std::fs::write(&paths[3], table(2_000, 2_002)).unwrap();
    let difference = then.difference(&print()).unwrap();
    assert!(difference.contains("size of") && difference.contains("d.csv"), "{difference}");
    let one = |text: &str| {
        std::fs::write(&paths[0], text).unwrap();
        let file = std::fs::File::options().write(true).open(&paths[0]).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        csv::Source::open(&paths[0]).unwrap().fingerprint().unwrap().unwrap()
    };
    let difference = one("id\n1\n").difference(&one("id\n2\n")).unwrap();
    assert!(difference.contains("hash of the head"), "{difference}");
    let reader = csv::Source::from_reader("x", &b"id\n"[..]).unwrap();
    assert_eq!(reader.fingerprint().unwrap(), None);
}
