//! Many files of columns: as one source, and as the files of one load.

#![cfg(feature = "parquet")]

mod parquet_support;

use parquet_support::{Numbers, engine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use trommel::{
    Batch, Encode, ErrorKind, Fill, Limit, Options, Pipeline, RejectPolicy, Result,
    RunReport, Sink as _, Source, sinks, sources,
};
use trommel_connect::arrow::Row;
use trommel_connect::{arrow, parquet};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    year: u16,
    place: Option<String>,
    id: u64,
    /// Null in some places, so that their first rows don't tell its type.
    value: Option<f64>,
}

const PLACES: [Option<&str>; 5] = [Some("a/b"), None, Some("ä 1"), Some("x=%\n"), Some("..")];
/// The folders of these places.
const FOLDERS: [&str; 5] =
    ["a%2Fb", "__HIVE_DEFAULT_PARTITION__", "ä 1", "x%3D%25%0A", ".."];

fn event(id: u64) -> Event {
    let place = PLACES[id as usize % 5].map(str::to_owned);
    let value = (id % 5 != 2).then_some(id as f64 / 2.0);
    Event { year: 2000 + (id % 2) as u16, place, id, value }
}

fn folder_of(id: u64) -> String {
    format!("year={}/place={}", 2000 + id % 2, FOLDERS[id as usize % 5])
}

fn load<K: Encode<Event>>(workers: usize, batch: usize, rows: u64, sink: K) -> Result<RunReport> {
    Pipeline::from(sources::generate(rows, |id| id))
        .options(Options::builder().fixed_batch_size(batch).build()?)
        .transform(|id, out| out.emit(event(id)))
        .load_into(sink)
        .run(&engine(workers))
}

/// The rows of a source of columns.
fn events<S>(source: S) -> Vec<Event>
where
    S: Source + 'static,
    for<'a> S::Batch: Batch<Row<'a> = Row<'a>>,
{
    let mut events = sinks::collect::<Event>();
    Pipeline::from(source)
        .transform(|row: Row<'_>, out| out.emit(row.decode::<Event>()?))
        .load_into(&mut events)
        .run(&engine(2))
        .unwrap();
    events.into_vec()
}

fn read(path: &Path) -> Vec<Event> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => events(parquet::Source::open(path).unwrap()),
        _ => events(arrow::Source::open(path).unwrap()),
    }
}

/// All files below a directory, by their names in it, and what they hold.
fn tree(root: &Path) -> BTreeMap<String, Vec<Event>> {
    fn visit(root: &Path, path: &Path, files: &mut BTreeMap<String, Vec<Event>>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, read(&path));
            }
        }
    }
    let mut files = BTreeMap::new();
    visit(root, root, &mut files);
    files
}

/// What each folder should hold, in order.
fn reference(rows: u64) -> BTreeMap<String, Vec<Event>> {
    let mut folders: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for id in 0..rows {
        folders.entry(folder_of(id)).or_default().push(event(id));
    }
    folders
}

/// The files of a folder one behind the other, by their numbers.
fn joined(files: &BTreeMap<String, Vec<Event>>) -> BTreeMap<String, Vec<Event>> {
    let mut numbered: Vec<_> = files
        .iter()
        .map(|(name, events)| {
            let (folder, file) = name.rsplit_once('/').unwrap();
            let number = file.trim_start_matches("part-").split('.').next().unwrap();
            (folder.to_owned(), number.parse::<u32>().unwrap(), events)
        })
        .collect();
    numbered.sort_by_key(|(folder, number, _)| (folder.clone(), *number));
    let mut folders: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for (folder, _, events) in numbered {
        folders.entry(folder).or_default().extend(events.iter().cloned());
    }
    folders
}

fn is_empty(directory: &TempDir) -> bool {
    fs::read_dir(directory.path()).unwrap().next().is_none()
}

const KEYS: [&str; 2] = ["year", "place"];

#[test]
fn each_row_is_in_one_file_that_of_its_key() {
    let rows = 3_000;
    let directory = TempDir::new().unwrap();
    for (workers, batch) in [(1, 7), (2, 100), (2, 3_000)] {
        let path = |name: &str| directory.path().join(format!("{name}-{workers}-{batch}"));
        // All at once, and with more keys than open files and several row groups a key.
        let (plain, few) = (path("plain"), path("few"));
        load(workers, batch, rows, parquet::Sink::create(&plain).partition_by(KEYS)).unwrap();
        let sink = parquet::Sink::create(&few).row_group_rows(100).verify();
        load(workers, batch, rows, sink.partition_by(KEYS).max_open_files(3)).unwrap();
        let (arrow, stream) = (path("arrow"), path("stream"));
        let sink = arrow::Sink::create(&arrow).batch_rows(100).verify();
        load(workers, batch, rows, sink.partition_by(KEYS).max_open_files(3)).unwrap();
        load(workers, batch, rows, arrow::Sink::create(&stream).stream().partition_by(KEYS)).unwrap();
        for (root, most) in [(&plain, 1), (&few, 10), (&arrow, 10), (&stream, 1)] {
            let files = tree(root);
            assert!(joined(&files) == reference(rows), "{}", root.display());
            assert!(files.len() <= 10 * most && (most == 1 || files.len() > 10), "{}", files.len());
        }
        // One schema in all files, and no litter beside them.
        let mut all = events(parquet::Source::open_directory(&plain).unwrap());
        all.sort_by_key(|event| event.id);
        assert!(all.into_iter().eq((0..rows).map(event)));
        assert!(events(arrow::Source::open_directory(&arrow).unwrap()).len() as u64 == rows);
        let beside = fs::read_dir(directory.path()).unwrap();
        assert!(beside.flatten().all(|entry| entry.path().is_dir()));
    }
}

#[test]
fn files_roll_by_rows_exactly_and_by_bytes_with_their_row_groups() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.parquet");
    load(2, 64, 1_000, parquet::Sink::create(&path).row_group_rows(80).roll_rows(300)).unwrap();
    load(2, 64, 1_000, arrow::Sink::create(directory.path().join("a.arrow")).roll_rows(300)).unwrap();
    let files = tree(directory.path());
    for kind in ["arrow", "parquet"] {
        let rows = [0, 1, 2, 3].map(|n| files[&format!("a-0000{n}.{kind}")].len());
        assert_eq!(rows, [300, 300, 300, 100]);
        let all = files.iter().filter(|(name, _)| name.ends_with(kind)).flat_map(|(_, rows)| rows);
        assert!(all.cloned().eq((0..1_000).map(event)));
    }
    assert_eq!(files.len(), 8);

    let inside = TempDir::new().unwrap();
    let sink = parquet::Sink::create(inside.path().join("b.parquet")).row_group_rows(50);
    load(2, 64, 1_000, sink.roll_bytes(1)).unwrap();
    let sink = arrow::Sink::create(inside.path().join("c.arrow")).batch_rows(50).roll_bytes(1);
    load(2, 64, 1_000, sink).unwrap();
    let files = tree(inside.path());
    assert_eq!(files.len(), 40);
    assert!(files.values().all(|events| events.len() == 50));

    // Nothing makes one file, and a folder without any.
    let inside = TempDir::new().unwrap();
    load(2, 64, 0, parquet::Sink::create(inside.path().join("b.parquet")).roll_rows(5)).unwrap();
    load(2, 64, 0, parquet::Sink::create(inside.path().join("c")).partition_by(KEYS)).unwrap();
    assert!(inside.path().join("b-00000.parquet").is_file());
    assert!(is_empty_directory(&inside.path().join("c")));
}

fn is_empty_directory(path: &Path) -> bool {
    fs::read_dir(path).unwrap().next().is_none()
}

#[test]
fn keys_may_come_from_the_transform_and_roll() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keyed");
    let report = Pipeline::from(sources::generate(1_000, |id| id))
        .options(Options::builder().on_reject(RejectPolicy::with_data(9)).build().unwrap())
        .transform(|id, out| {
            let key = match id {
                7 => "../x",
                8 => "",
                _ if id % 2 == 0 => "even/two",
                _ => "odd",
            };
            out.emit(arrow::Keyed::new(key, event(id)))
        })
        .load_into(parquet::Sink::create(&path).roll_rows(200).partition_by(Vec::<String>::new()))
        .run(&engine(2))
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (998, 2));
    let rows: Vec<_> = tree(&path).into_iter().map(|(name, rows)| (name, rows.len())).collect();
    let expected = ["even/two", "odd"].into_iter().flat_map(|key| {
        [200, 200, 99].into_iter().zip(0..).map(move |(rows, n)| (format!("{key}/part-{n}.parquet"), rows))
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    let rejects = fs::read_to_string(directory.path().join("keyed.rejects.ndjson")).unwrap();
    assert_eq!(rejects.lines().count(), 2);
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let sinks = |path: &Path| {
        let parquet = parquet::Sink::create(path).row_group_rows(20);
        let arrow = arrow::Sink::create(path).batch_rows(20);
        (parquet.partition_by(KEYS).max_open_files(2), arrow.partition_by(KEYS).max_open_files(2))
    };
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    type Make = Box<dyn Fn(u64) -> Result<Event> + Send + Sync>;
    let fails_at = |at: u64, run: &mut dyn FnMut(Make) -> Result<RunReport>| {
        let make = move |id| match id == at {
            true => Err(trommel::Error::fatal("the power went")),
            false => Ok(event(id)),
        };
        run(Box::new(make)).unwrap_err()
    };
    let (mut parquet, mut arrow) = sinks(&path);
    macro_rules! run {
        ($sink:expr) => {
            &mut |make: Make| {
                Pipeline::from(sources::generate(1_000, |id| id))
                    .options(Options::builder().fixed_batch_size(50).build()?)
                    .transform(move |id, out| out.emit(make(id)?))
                    .load_into(&mut $sink)
                    .run(&engine(2))
            }
        };
    }
    fails_at(900, run!(parquet));
    assert!(is_empty(&directory));
    fails_at(900, run!(arrow));
    assert!(is_empty(&directory));

    // A write that fails: there is a file where a folder should be.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("year=2001"), "in the way").unwrap();
    for error in [fails_at(5_000, run!(parquet)), fails_at(5_000, run!(arrow))] {
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("year=2001"), "{error}");
        let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["year=2001"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    // Too many files, and a file where the folder should be.
    fs::remove_file(path.join("year=2001")).unwrap();
    let sink = parquet::Sink::create(&path).partition_by(["id"]).max_files(5);
    let error = load(2, 50, 1_000, sink).unwrap_err();
    assert!(error.kind() == ErrorKind::Config && error.to_string().contains("max_files"), "{error}");
    assert!(is_empty_directory(&path), "a folder that was there stays");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    let error = load(2, 50, 10, parquet::Sink::create(&path).partition_by(KEYS)).unwrap_err();
    assert!(error.to_string().contains("name a directory for the partitions"), "{error}");
}

#[test]
fn a_second_run_of_the_same_output_is_refused() {
    let directory = TempDir::new().unwrap();
    for path in [directory.path().join("a"), directory.path().join("b.parquet")] {
        let mut first = parquet::Sink::create(&path).roll_rows(5).partition_by(KEYS);
        let mut second = parquet::Sink::create(&path).roll_rows(5).partition_by(KEYS);
        first.encoder().unwrap();
        let error = second.encoder().err().unwrap();
        assert!(error.to_string().contains("locked"), "{error}");
        _ = first.abort();
        second.encoder().unwrap();
        _ = second.abort();
    }
    assert!(is_empty(&directory));
}

/// Loads all rows as a job; row `fails_at` ends the run.
fn run_job(path: &Path, rows: u64, fails_at: u64) -> Result<RunReport> {
    let sink = parquet::Sink::create(path).row_group_rows(50).part_rows(500).verify();
    Pipeline::from(Numbers::up_to(rows))
        .options(Options::builder().fixed_batch_size(70).build()?)
        .resumable("events")
        .transform(move |id, out| match id == fails_at {
            true => Err(trommel::Error::fatal("the power went")),
            false => out.emit(event(id)),
        })
        .load_into(sink.partition_by(KEYS).max_open_files(6))
        .run(&engine(2))
}

#[test]
fn a_partitioned_job_goes_on_from_its_last_commit() {
    let rows = 3_000;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("events");
    let mut loaded = 0;
    for fails_at in [100, 900, 1_700, 2_990] {
        let error = run_job(&path, rows, fails_at).unwrap_err();
        loaded = error.report().unwrap().counts.loaded;
        // What a kill between the names and the manifest would leave besides.
        let folder = path.join(folder_of(1));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("part-99.parquet"), "not counted").unwrap();
        fs::write(folder.join("part-100.parquet.tmp"), "cut off").unwrap();
        fs::write(folder.join("notes.txt"), "not ours").unwrap();
    }
    assert!(loaded > 0);
    run_job(&path, rows, u64::MAX).unwrap();
    let notes = path.join(folder_of(1)).join("notes.txt");
    fs::remove_file(notes).unwrap();
    let manifest = path.join("_trommel.json");
    let before = fs::read(&manifest).unwrap();
    let report = run_job(&path, rows, u64::MAX).unwrap();
    assert_eq!(report.counts.loaded, 0);
    let mut all = events(parquet::Source::open(&path).unwrap());
    all.sort_by_key(|event| event.id);
    assert!(all.into_iter().eq((0..rows).map(event)));
    // By the files as by the manifest, each key in order.
    let contents: serde_json::Value = serde_json::from_slice(&before).unwrap();
    let listed = contents["parts"].as_array().unwrap().len();
    for entry in fs::read_dir(&path).unwrap().flatten() {
        if entry.file_name().to_str().unwrap().starts_with('_') {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let files = tree(&path);
    assert_eq!(files.len(), listed);
    assert!(joined(&files) == reference(rows));
}

#[test]
fn a_job_is_not_rolled() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    let error = Pipeline::from(sources::generate(10, |id| id))
        .resumable("job")
        .transform(|id, out| out.emit(event(id)))
        .load_into(parquet::Sink::create(&path).roll_rows(5))
        .run(&engine(1))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("`part_rows`"), "{error}");
    assert!(is_empty(&directory));
    let error = Pipeline::from(sources::generate(10, |id| id))
        .resumable("job")
        .transform(|id, out| out.emit(event(id)))
        .load_into(arrow::Sink::create(&path).partition_by(KEYS))
        .run(&engine(1))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(is_empty(&directory));
}

/// Rows that wait are bounded: the key that has most of them is written before its row group is full.
#[test]
fn rows_that_wait_are_written_when_they_take_too_much() {
    #[derive(Serialize)]
    struct Wide {
        key: u64,
        text: String,
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("wide");
    Pipeline::from(sources::generate(300, |id| id))
        .options(Options::builder().fixed_batch_size(10).build().unwrap())
        .transform(|id, out| out.emit(Wide { key: id % 2, text: "x".repeat(400 << 10) }))
        .load_into(parquet::Sink::create(&path).partition_by(["key"]))
        .run(&engine(2))
        .unwrap();
    for key in ["key=0", "key=1"] {
        let file = fs::File::open(path.join(key).join("part-0.parquet")).unwrap();
        use trommel_connect::parquet::parquet::file::reader::{FileReader, SerializedFileReader};
        let metadata = SerializedFileReader::new(file).unwrap().metadata().clone();
        assert_eq!(metadata.file_metadata().num_rows(), 150);
        assert!((2..10).contains(&metadata.num_row_groups()), "{}", metadata.num_row_groups());
    }
}

/// Rows of a source from where it is, each batch with the position behind it.
fn walk<S>(source: &mut S) -> Vec<(u64, trommel::Position)>
where
    S: Source,
    for<'a> S::Batch: Batch<Row<'a> = Row<'a>>,
{
    let mut rows = Vec::new();
    let mut batch = S::Batch::default();
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(50)).unwrap();
        let position = source.position().unwrap();
        batch
            .for_each(0, |row| {
                rows.push((row?.get::<u64>("id")?, position.clone()));
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            return rows;
        }
    }
}

fn ids(rows: &[(u64, trommel::Position)]) -> Vec<u64> {
    rows.iter().map(|(id, _)| *id).collect()
}

/// Writes the rows of each range into a file of its own.
fn write_files(directory: &Path, kind: &str, ranges: &[std::ops::Range<u64>]) -> Vec<PathBuf> {
    ranges
        .iter()
        .enumerate()
        .map(|(number, range)| {
            let path = directory.join(format!("f{number:03}.{kind}"));
            let from = range.start;
            let pipeline = Pipeline::from(sources::generate(range.end - from, |id| id));
            let pipeline = pipeline.transform(move |id, out| out.emit(event(from + id)));
            match kind {
                "parquet" => {
                    let sink = parquet::Sink::create(&path).row_group_rows(40);
                    pipeline.load_into(sink.column("value", arrow::DataType::Float64)).run(&engine(1))
                }
                _ => {
                    let sink = arrow::Sink::create(&path).batch_rows(40);
                    pipeline.load_into(sink.column("value", arrow::DataType::Float64)).run(&engine(1))
                }
            }
            .unwrap();
            path
        })
        .collect()
}

macro_rules! many_as_one {
    ($source:ty, $kind:literal) => {
        // More than stay open; one is empty.
        let directory = TempDir::new().unwrap();
        let ranges: Vec<_> = (0..70).map(|n| n * 100..(n + 1) * 100).collect();
        let mut paths = write_files(directory.path(), $kind, &ranges);
        paths.push(write_files(&directory.path(), concat!("x.", $kind), &[7_000..7_001])[0].clone());
        paths.sort();
        let pattern = format!("{}/*.{}", directory.path().display(), $kind);
        fs::write(directory.path().join("_SUCCESS"), "").unwrap();
        fs::write(directory.path().join("notes.txt"), "").unwrap();
        let sources = [
            <$source>::open_many(&paths),
            <$source>::open_glob(&pattern),
            <$source>::open_directory(directory.path()),
        ];
        let order = ids(&walk(&mut <$source>::open_many(&paths).unwrap()));
        for source in sources {
            let mut source = source.unwrap();
            let stored: u64 = paths.iter().map(|path| path.metadata().unwrap().len()).sum();
            assert_eq!((source.size().rows, source.size().bytes), (Some(7_001), Some(stored)));
            assert_eq!(source.bytes_read(), 0);
            assert_eq!(ids(&walk(&mut source)), order);
            assert_eq!(source.bytes_read(), stored);
        }
        // Taken up behind any batch it gives the rest, and says how far it was.
        let rows = walk(&mut <$source>::open_many(&paths).unwrap());
        for (at, pair) in rows.windows(2).enumerate().filter(|(_, pair)| pair[0].1 != pair[1].1) {
            let mut source = <$source>::open_many(&paths).unwrap();
            source.seek(&pair[0].1).unwrap();
            assert!(source.bytes_read() > 0);
            if at % 16 == 0 {
                assert_eq!(ids(&walk(&mut source)), order[at + 1..]);
            }
        }
        // Another order is another source, and so is one file alone.
        let position = &rows[150].1;
        let mut swapped = paths.clone();
        swapped.swap(0, 1);
        let error = <$source>::open_many(&swapped).unwrap().seek(position).unwrap_err();
        let says = "is not the one in which the earlier run stopped";
        assert!(error.message().contains(says), "{error}");
        let error = <$source>::open(&paths[1]).unwrap().seek(position).unwrap_err();
        assert!(error.message().contains(says), "{error}");
        // Its fingerprint does not grow with the files, and tells that one has changed.
        let print = <$source>::open_many(&paths).unwrap().fingerprint().unwrap();
        assert!(format!("{print:?}").len() < 400, "{print:?}");
        assert_eq!(<$source>::open_many(&paths).unwrap().fingerprint().unwrap(), print);
        fs::File::open(&paths[69]).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_ne!(<$source>::open_many(&paths).unwrap().fingerprint().unwrap(), print);
        // One that is replaced while others are read is not taken for what it was.
        let mut source = <$source>::open_many(&paths).unwrap();
        fs::copy(&paths[0], &paths[68]).unwrap();
        let mut batch = Default::default();
        let error = loop {
            match source.fill(&mut batch, &Limit::of_rows(50)) {
                Ok(fill) => assert_eq!(fill, Fill::More),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("has changed since the run began"), "{error}");
    };
}

#[test]
fn many_parquet_files_are_one_source_whose_positions_name_the_file() {
    many_as_one!(parquet::Source, "parquet");
}

#[test]
fn many_arrow_files_are_one_source_whose_positions_name_the_file() {
    many_as_one!(arrow::Source, "arrow");
}

#[test]
fn rows_say_in_which_file_they_are() {
    let directory = TempDir::new().unwrap();
    let check = |result: Result<RunReport>, path: &Path| {
        let error = result.unwrap_err();
        let origin = error.origin().unwrap();
        assert_eq!(origin.source.as_deref(), path.to_str());
        assert_eq!(origin.record, Some(5));
    };
    // Row 105 of all is row 5 of the second file.
    fn refuse(row: Row<'_>) -> Result<u64> {
        match row.get::<u64>("id")? {
            105 => Err(trommel::Error::row("bad")),
            id => Ok(id),
        }
    }
    let paths = write_files(directory.path(), "parquet", &[0..100, 100..200]);
    let pipeline = Pipeline::from(parquet::Source::open_many(&paths).unwrap());
    let pipeline = pipeline.transform(|row: Row<'_>, out| out.emit(refuse(row)?));
    check(pipeline.load_into(sinks::count()).run(&engine(1)), &paths[1]);
    let paths = write_files(directory.path(), "arrow", &[0..100, 100..200]);
    let pipeline = Pipeline::from(arrow::Source::open_many(&paths).unwrap());
    let pipeline = pipeline.transform(|row: Row<'_>, out| out.emit(refuse(row)?));
    check(pipeline.load_into(sinks::count()).run(&engine(1)), &paths[1]);
}

#[test]
fn files_with_other_columns_are_refused_at_once() {
    #[derive(Serialize)]
    struct More {
        year: u16,
        place: Option<String>,
        id: u64,
        value: Option<f64>,
        more: bool,
    }
    #[derive(Serialize)]
    struct Other {
        year: u16,
        place: String,
        id: i32,
        value: Option<f64>,
    }
    #[derive(Serialize)]
    struct Swapped {
        place: &'static str,
        year: u16,
        id: u64,
        value: f64,
    }
    let directory = TempDir::new().unwrap();
    let one = write_files(directory.path(), "parquet", &[0..10]).remove(0);
    fn write<T: Serialize>(path: &Path, make: impl Fn() -> T + Send + Sync + 'static) {
        let pipeline = Pipeline::from(sources::generate(1, |id| id));
        let pipeline = pipeline.transform(move |_, out| out.emit(make()));
        pipeline.load_into(parquet::Sink::create(path)).run(&engine(1)).unwrap();
    }
    let two = directory.path().join("two.parquet");
    let says = |expected: &str| {
        let error = parquet::Source::open_many([&one, &two]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        for part in [expected, one.to_str().unwrap(), two.to_str().unwrap()] {
            assert!(error.to_string().contains(part), "{error}");
        }
    };
    let text = String::new;
    write(&two, move || More { year: 1, place: Some(text()), id: 1, value: Some(1.0), more: true });
    says("`more` is only in");
    write(&two, move || Other { year: 1, place: text(), id: 1, value: Some(1.0) });
    says("`id` of type UInt64 and `id` of type Int32");
    write(&two, || Swapped { place: "x", year: 1, id: 1, value: 1.0 });
    says("`place` where the first one has `year`");
    write(&two, || (1, 2));
    says("`year` is missing in");

    // Nulls may come or not; record batches have one schema all the same.
    #[derive(Serialize)]
    struct NeverNull {
        year: u16,
        place: &'static str,
        id: u64,
        value: f64,
    }
    write(&two, || NeverNull { year: 1, place: "x", id: 1, value: 1.0 });
    for order in [[&one, &two], [&two, &one]] {
        let source = parquet::Source::open_many(order).unwrap();
        let joined = directory.path().join("joined.arrow");
        Pipeline::from(source.columnar())
            .transform(|batch, out| out.emit(batch))
            .load_into(arrow::Sink::create(&joined).columnar())
            .run(&engine(2))
            .unwrap();
        assert_eq!(arrow::Source::open(&joined).unwrap().size().rows, Some(11));
    }

    // A stream knows no rows to be taken up at.
    let stream = directory.path().join("s.arrow");
    load(1, 10, 10, arrow::Sink::create(&stream).stream()).unwrap();
    let error = arrow::Source::open_many([&stream]).unwrap_err();
    assert!(error.to_string().contains("is an Arrow stream"), "{error}");
    let error = arrow::Source::open_directory(directory.path().join("none")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let error = arrow::Source::open_many(Vec::<PathBuf>::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
