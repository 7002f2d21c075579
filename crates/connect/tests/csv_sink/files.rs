//! Files that a load becomes: added to, one for each key, rolled.

use super::*;

#[test]
fn a_file_that_is_added_to_keeps_its_one_header() {
    let directory = TempDir::new().unwrap();
    for name in ["a.csv", "a.csv.gz", "a.csv.zst"] {
        let path = directory.path().join(name);
        for (number, from) in [(0, 0), (1, 3)] {
            Pipeline::from(sources::generate(3, move |id| id + from))
                .transform(|id, out| out.emit((id, id * id)))
                .load_into(create(&path).append().columns(["n", "square"]))
                .run(&Engine::new().unwrap())
                .unwrap_or_else(|error| panic!("{name}, {number}: {error}"));
        }
        assert_eq!(unpacked(&path), "n,square\n0,0\n1,1\n2,4\n3,9\n4,16\n5,25\n");
    }
    let path = directory.path().join("a.csv");
    let error = Pipeline::from(sources::generate(1, |id| id))
        .transform(|id, out| out.emit(BTreeMap::from([("other", id)])))
        .load_into(create(&path).append())
        .run(&Engine::new().unwrap())
        .unwrap_err();
    assert!(error.to_string().contains("`n`, `square` missing: `other` unknown"), "{error}");
}

/// A file per key, all below a folder, as `path: content`.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    files.insert(name, unpacked(&path));
                }
            }
        }
    }
    files
}

#[derive(Serialize, Clone)]
struct Event {
    year: u16,
    place: Option<&'static str>,
    id: u64,
}

#[test]
fn each_key_has_a_file() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("events");
    // More keys than open files.
    Pipeline::from(sources::generate(40, |id| id))
        .options(Options::builder().fixed_batch_size(7).build().unwrap())
        .transform(|id, out| {
            let place = [Some("a/b"), None, Some("ä 1")][id as usize % 3];
            out.emit(Event { year: 2000 + (id % 2) as u16, place, id })
        })
        .load_into(create(&folder).partition_by(["year", "place"]).max_open_files(2))
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    let files = tree(&folder);
    assert_eq!(files.len(), 6, "{:?}", files.keys());
    let ids = |from: usize| (from as u64..40).step_by(6);
    let lines = |from, place| -> String {
        let year = 2000 + from % 2;
        ids(from).map(|id| format!("{year},{place},{id}\n")).collect()
    };
    for (name, from, place) in [
        ("year=2000/place=a%2Fb/part-0.csv", 0, "a/b"),
        ("year=2001/place=__HIVE_DEFAULT_PARTITION__/part-0.csv", 1, ""),
        ("year=2000/place=ä 1/part-0.csv", 2, "ä 1"),
        ("year=2001/place=a%2Fb/part-0.csv", 3, "a/b"),
    ] {
        let expected = format!("year,place,id\n{}", lines(from, place));
        assert_eq!(files[name], expected, "{name}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no litter");
}

#[test]
fn keys_may_come_from_the_transform_and_files_may_roll() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("out");
    let sink = || create(&folder).compression(Compression::ZSTD).roll_rows(10);
    let report = Pipeline::from(sources::generate(100, |id| id))
        .options(
            Options::builder()
                .fixed_batch_size(25)
                .on_reject(RejectPolicy::skip(9))
                .build()
                .unwrap(),
        )
        .transform(|id, out| {
            let key = match id {
                7 => "../x",
                8 => "",
                _ if id % 4 == 0 => "even/four",
                _ => "odd",
            };
            out.emit(Keyed::new(key, (id,)))
        })
        .load_into(sink().columns(["id"]).partition_by(Vec::<String>::new()))
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert_eq!(report.counts.rejected, 2);
    let files = tree(&folder);
    let rows = |name: &str| files[name].lines().skip(1).count();
    let four: Vec<_> = (0..3).map(|n| rows(&format!("even/four/part-{n}.csv.zst"))).collect();
    assert_eq!(four, [10, 10, 4]);
    assert_eq!(files.len(), 3 + 8);
    assert!(files.values().all(|text| text.starts_with("id\n")));
    let all: usize = files.values().map(|text| text.lines().count() - 1).sum();
    assert_eq!(all, 98);
    let many = create(&folder).columns(["id"]).partition_by(Vec::<String>::new()).max_files(3);
    let error = Pipeline::from(sources::generate(100, |id| id))
        .transform(|id, out| {
            let key = out.text().int(id).finish();
            out.emit(Keyed::new(key, (id,)))
        })
        .load_into(many)
        .run(&Engine::new().unwrap())
        .unwrap_err();
    assert!(error.to_string().contains("max_files"), "{error}");
}

#[test]
fn files_roll_by_rows_and_by_bytes() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("n.csv");
    let run = |sink: Sink| {
        Pipeline::from(sources::generate(1000, |id| id))
            .transform(|id, out| out.emit((id,)))
            .load_into(sink.columns(["n"]))
            .run(&Engine::new().unwrap())
            .unwrap();
        let files = tree(directory.path());
        let together: String =
            files.values().map(|text| text.strip_prefix("n\n").unwrap()).collect();
        let expected: String = (0..1000).map(|n| format!("{n}\n")).collect();
        assert_eq!(together, expected);
        std::fs::remove_dir_all(directory.path()).unwrap();
        std::fs::create_dir(directory.path()).unwrap();
        files
    };
    let files = run(create(&path).roll_rows(300));
    let rows: Vec<_> = files.values().map(|text| text.lines().count() - 1).collect();
    assert_eq!(rows, [300, 300, 300, 100]);
    assert!(files.contains_key("n-00003.csv"));
    let files = run(create(&path).roll_bytes(1000));
    assert!(files.values().all(|text| text.len() <= 1000), "{files:?}");
    assert_eq!(files.len(), 4);
}

/// Symptom: tuples named `a`, `b` were appended to a file with the header `id,name`, and so were those
/// named `name`, `id`: values under the wrong names, and nothing was said.
/// Cause: the header of the file took the place of the names that were given, and of a tuple nothing but
/// the width is compared.
/// Fix: the names that were given are compared with the header, before the first row.
#[test]
fn a_file_with_other_columns_is_not_added_to() {
    let directory = TempDir::new().unwrap();
    let add = |path: &Path, columns: &[&str]| {
        Pipeline::from(sources::generate(1, |id| id))
            .transform(|id, out| out.emit((id, id)))
            .load_into(create(path).append().columns(columns.iter().copied()))
            .run(&Engine::new().unwrap())
    };
    for name in ["a.csv", "a.csv.gz"] {
        let path = directory.path().join(name);
        add(&path, &["id", "name"]).unwrap();
        for columns in [&["a", "b"][..], &["name", "id"], &["id"], &["id", "name", "age"]] {
            let error = add(&path, columns).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            let said = format!("has `id`, `name`, and rows of `{}`", columns.join("`, `"));
            assert!(error.message().contains(&said), "{error}");
        }
        add(&path, &["id", "name"]).unwrap();
        assert_eq!(unpacked(&path), "id,name\n0,0\n0,0\n");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        std::fs::remove_file(path).unwrap();
    }
}

/// Symptom: `id,name\n1,x`, which ends without a line break, and a row `2,y` became `1,x2,y`.
/// Cause: what was added began where the file ended.
/// Fix: a last line that nothing has ended is ended first; of a compressed file, within.
#[test]
fn a_last_line_without_an_end_is_ended_before_more_is_added() {
    let directory = TempDir::new().unwrap();
    for name in ["a.csv", "a.csv.gz", "a.csv.zst"] {
        for (is_crlf, end) in [(false, "\n"), (true, "\r\n")] {
            for before in ["id,name\n1,x", "id,name"] {
                let path = directory.path().join(name);
                pack(&path, before);
                let sink = create(&path).append().verify();
                Pipeline::from(sources::generate(2, |id| id))
                    .transform(|id, out| out.emit((id, id)))
                    .load_into(if is_crlf { sink.crlf() } else { sink })
                    .run(&Engine::new().unwrap())
                    .unwrap();
                assert_eq!(unpacked(&path), format!("{before}{end}0,0{end}1,1{end}"), "{name}");
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

/// A file with this content, compressed as its name says.
fn pack(path: &Path, content: &str) {
    let packed = match path.extension().and_then(|it| it.to_str()) {
        Some("gz") => {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            std::io::Write::write_all(&mut encoder, content.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        Some("zst") => zstd::encode_all(content.as_bytes(), 3).unwrap(),
        _ => content.as_bytes().to_vec(),
    };
    std::fs::write(path, packed).unwrap();
}

// A runner that had been replaced, with more keys than open files, said that a file was gone: at its
// commit it opened those that it had closed by their names, which were the newer runner's by then. It
// finds out first whether the job is still its own.
#[test]
fn a_runner_that_was_replaced_opens_no_file_to_sync_it() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("events");
    let open = || create(&folder).partition_by(["year"]).max_open_files(1);
    let write = |sink: &mut Partitioned<Sink>, ids: std::ops::Range<u64>| {
        let encoder = sink.encoder().unwrap();
        let mut page = KeyedPage::default();
        for id in ids {
            let event = Event { year: 2000 + (id % 2) as u16, place: None, id };
            Partitioned::<Sink>::encode(&encoder, &mut page, event).unwrap();
        }
        sink.write(&mut page).unwrap();
    };
    let at =
        |read| Checkpoint { counts: Counts { read, ..Counts::default() }, ..Checkpoint::default() };
    let mut old = open();
    old.resume("load").unwrap();
    write(&mut old, 0..4);
    old.commit(&at(4), Commit::Now).unwrap();
    // In both files; one of them is closed again.
    write(&mut old, 4..8);

    let mut new = open();
    assert_eq!(new.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(4) }));
    write(&mut new, 4..6);
    new.commit(&at(6), Commit::Now).unwrap();
    new.finish().unwrap();
    let files = tree(directory.path());
    assert_eq!(files["events/year=2001/part-0.csv"], "year,place,id\n2001,,1\n2001,,3\n2001,,5\n");

    for _ in 0..2 {
        let error = old.commit(&at(8), Commit::Now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
        for part in ["job `load`", "taken over", "epoch 1", "newest 2"] {
            assert!(error.to_string().contains(part), "no `{part}` in: {error}");
        }
    }
    old.abort();
    drop(old);
    assert_eq!(tree(directory.path()), files);
}
