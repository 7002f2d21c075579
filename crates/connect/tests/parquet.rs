//! Parquet, there and back: every type, nulls, nesting, row groups, whole record batches.

#![cfg(feature = "parquet")]

mod parquet_support;

use parquet_support::{engine, read, read_by_crate, write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use tempfile::TempDir;
use trommel::{Options, Pipeline, sinks, sources};
use trommel_connect::arrow::arrow_array::{Array, Int64Array, RecordBatch};
use trommel_connect::arrow::{DataType, Date, Decimal, Field, Schema, Timestamp};
use trommel_connect::parquet::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use trommel_connect::parquet::{self as pq, Compression, Sink, Source, Statistics};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    name: String,
    weights: Vec<f32>,
    deeper: Option<Deeper>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Deeper {
    flag: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Color {
    Red,
    Green,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    a: i8,
    b: i16,
    c: i32,
    d: i64,
    e: u8,
    f: u16,
    g: u32,
    h: u64,
    i: f32,
    j: f64,
    k: bool,
    l: char,
    text: String,
    maybe: Option<String>,
    none_at_first: Option<i64>,
    #[serde(with = "serde_bytes_like")]
    bytes: Vec<u8>,
    date: Date,
    at: Timestamp,
    price: Decimal,
    big: i128,
    color: Color,
    list: Vec<Option<i32>>,
    pair: (u8, u8),
    inner: Inner,
    maybe_inner: Option<Inner>,
    inners: Vec<Inner>,
    map: BTreeMap<String, i64>,
}

mod serde_bytes_like {
    pub(super) fn serialize<S: serde::Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }
    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<u8>, D::Error> {
        <&[u8] as serde::Deserialize>::deserialize(from).map(<[u8]>::to_vec)
    }
}

fn inner(id: i64) -> Inner {
    Inner {
        name: format!("inner {id}"),
        weights: (0..id % 4).map(|weight| weight as f32 / 2.0).collect(),
        deeper: (id % 3 == 0).then_some(Deeper { flag: id % 2 == 0 }),
    }
}

fn record(id: i64) -> Everything {
    let sign = if id % 2 == 0 { 1 } else { -1 };
    Everything {
        a: (id % 128) as i8 * sign as i8,
        b: (id % 30_000) as i16,
        c: (id * 7 * sign) as i32,
        d: i64::MAX - id,
        e: (id % 256) as u8,
        f: (id % 65_536) as u16,
        g: u32::MAX - id as u32,
        h: u64::MAX - id as u64,
        i: id as f32 / 3.0,
        j: id as f64 / 7.0 * sign as f64,
        k: id % 3 == 0,
        l: if id % 2 == 0 { 'é' } else { 'x' },
        text: format!("text {}", id % 100),
        maybe: (id % 5 != 0).then(|| format!("maybe {id}")),
        none_at_first: (id > 300).then_some(id),
        bytes: vec![0, 255, (id % 256) as u8],
        date: Date(15_000 + id as i32),
        at: Timestamp(1_700_000_000_000_000 + id * 1_000_001),
        price: Decimal { value: i128::from(id * 199 * sign), scale: 2 },
        big: i128::from(i64::MAX) * 1_000 + i128::from(id),
        color: if id % 2 == 0 { Color::Red } else { Color::Green },
        list: (0..id % 5).map(|item| (item != 1).then_some(item as i32)).collect(),
        pair: (1, (id % 7) as u8),
        inner: inner(id),
        maybe_inner: (id % 4 == 1).then(|| inner(id + 1)),
        inners: (0..id % 3).map(inner).collect(),
        map: (0..id % 3).map(|key| (format!("key {key}"), key * id)).collect(),
    }
}

#[test]
fn every_type_comes_back_whatever_the_workers_batches_and_row_groups() {
    let directory = TempDir::new().unwrap();
    let expected: Vec<_> = (0..5_000).map(record).collect();
    for (workers, batch, group) in [(1, 1_000, 131_072), (2, 77, 1_000), (4, 4_096, 333)] {
        let path = directory.path().join(format!("{workers}-{batch}-{group}.parquet"));
        let sink = Sink::create(&path).row_group_rows(group);
        let report = write(workers, batch, expected.len(), record, sink).unwrap();
        assert_eq!(report.counts.loaded, 5_000);
        assert_eq!(read::<Everything>(workers, &path), expected, "{workers} {batch} {group}");
        assert!(!path.with_extension("parquet.tmp").exists());

        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let groups = builder.metadata().row_groups();
        let rows: Vec<_> = groups.iter().map(|group| group.num_rows() as usize).collect();
        let mut left = 5_000;
        for (index, &rows) in rows.iter().enumerate() {
            assert_eq!(rows, left.min(group), "row group {index} of {rows:?}");
            left -= rows;
        }
        assert_eq!(left, 0);
    }
}

#[test]
fn the_crate_s_own_reader_sees_the_same_values() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    write(2, 100, 1_000, record, Sink::create(&path)).unwrap();
    let batches = read_by_crate(&path);
    let schema = batches[0].schema();
    let kind = |name: &str| schema.field_with_name(name).unwrap().data_type().clone();
    assert_eq!(kind("date"), DataType::Date32);
    assert_eq!(kind("at"), "Timestamp(µs, \"UTC\")".parse::<DataType>().unwrap());
    assert_eq!(kind("price"), DataType::Decimal128(38, 2));
    assert_eq!(kind("h"), DataType::UInt64);
    assert_eq!(kind("bytes"), DataType::Binary);
    assert!(matches!(kind("inner"), DataType::Struct(fields) if fields.len() == 3));
    assert!(matches!(kind("map"), DataType::Map(..)));
    let d = batches.iter().flat_map(|batch| {
        let column = batch.column_by_name("d").unwrap();
        column.as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
    });
    assert!(d.eq((0..1_000).map(|id| i64::MAX - id)));
    let nulls: usize =
        batches.iter().map(|batch| batch.column_by_name("maybe").unwrap().null_count()).sum();
    assert_eq!(nulls, 200);
}

#[test]
fn options_reach_the_file() {
    let directory = TempDir::new().unwrap();
    let mut sizes = Vec::new();
    for (name, compression) in [
        ("none", Compression::None),
        ("snappy", Compression::Snappy),
        ("zstd", Compression::Zstd(3)),
    ] {
        let path = directory.path().join(name);
        let sink = Sink::create(&path).compression(compression).statistics(Statistics::None);
        write(2, 500, 5_000, record, sink).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let column = builder.metadata().row_group(0).column(3);
        assert!(column.compression().to_string().to_lowercase().contains(match compression {
            Compression::None => "uncompressed",
            Compression::Snappy => "snappy",
            _ => "zstd",
        }));
        assert!(column.statistics().is_none());
        sizes.push(path.metadata().unwrap().len());
        assert_eq!(read::<Everything>(2, &path).len(), 5_000);
    }
    assert!(sizes[2] < sizes[0], "{sizes:?}");

    let path = directory.path().join("statistics");
    write(2, 500, 5_000, record, Sink::create(&path)).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let statistics = builder.metadata().row_group(0).column(3).statistics().unwrap();
    assert_eq!(statistics.max_bytes_opt().unwrap(), i64::MAX.to_le_bytes());
}

#[test]
fn a_declared_schema_converts_what_fits_and_rejects_what_does_not() {
    #[derive(Serialize)]
    struct Row<'a> {
        seconds: i64,
        price: &'a str,
        small: i64,
        ratio: i32,
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    let schema = Arc::new(Schema::new(vec![
        Field::new("small", DataType::Int8, false),
        Field::new("price", DataType::Decimal128(10, 3), true),
        Field::new("seconds", "Timestamp(s)".parse().unwrap(), true),
        Field::new("ratio", DataType::Float64, true),
    ]));
    let options = Options::builder().on_reject(trommel::RejectPolicy::skip(100)).build().unwrap();
    let report = Pipeline::from(sources::generate(200, |id| id as i64))
        .options(options)
        .transform(|id, out| {
            let price = if id == 7 { "1.2345" } else { "1.5" };
            out.emit(Row { seconds: id, price, small: id, ratio: id as i32 })
        })
        .load_into(Sink::create(&path).schema(Arc::clone(&schema)))
        .run(&engine(2))
        .unwrap();
    // 128..200 are no Int8, and 1.2345 has a digit too many.
    assert_eq!((report.counts.loaded, report.counts.rejected), (127, 73));
    let batches = read_by_crate(&path);
    assert_eq!(batches[0].schema().fields(), schema.fields());
    let source = Source::open(&path).unwrap();
    let mut rows = sinks::collect::<(i64, Decimal, i64, f64)>();
    Pipeline::from(source)
        .transform(|row, out| {
            out.emit((row.get("seconds")?, row.get("price")?, row.get("small")?, row.get("ratio")?))
        })
        .load_into(&mut rows)
        .run(&engine(2))
        .unwrap();
    let rows = rows.into_vec();
    assert_eq!(rows[7], (8, Decimal { value: 1500, scale: 3 }, 8, 8.0));
}

#[test]
fn record_batches_go_through_whole() {
    let directory = TempDir::new().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    write(2, 1_000, 100_000, |id| (id, id * 2), Sink::create(&from).row_group_rows(30_000))
        .unwrap();
    let report = Pipeline::from(Source::open(&from).unwrap().columnar())
        .transform(|batch: RecordBatch, out| match batch.num_rows() > 20 {
            true => out.emit(batch),
            false => out.emit(&batch),
        })
        .load_into(Sink::create(&to).row_group_rows(40_000).columnar())
        .run(&engine(2))
        .unwrap();
    // Counts are of record batches.
    assert!(report.counts.read > 1 && report.counts.read < 50, "{report}");
    assert!(report.counts.add_up());
    let pairs: Vec<(i64, i64)> = read(2, &to);
    assert!(pairs.into_iter().eq((0..100_000).map(|id| (id, id * 2))));
}

#[test]
fn only_the_columns_asked_for_are_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    write(2, 1_000, 10_000, record, Sink::create(&path)).unwrap();
    let source = Source::open(&path).unwrap().columns(["text", "d"]).unwrap();
    let names: Vec<_> = source.schema().fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["d", "text"]);
    let d = source.column("d").unwrap();
    let mut rows = sinks::collect::<(i64, String, u64)>();
    Pipeline::from(source)
        .transform(|row, out| {
            assert_eq!(row.get::<i64>(0)?, row.get::<i64>("d")?);
            out.emit((row.get(d)?, row.get("text")?, row.record()))
        })
        .load_into(&mut rows)
        .run(&engine(2))
        .unwrap();
    for (id, (d, text, number)) in rows.into_vec().into_iter().enumerate() {
        assert_eq!((d, number), (i64::MAX - id as i64, id as u64));
        assert_eq!(text, format!("text {}", id % 100));
    }
}

#[test]
fn a_directory_is_one_source() {
    let directory = TempDir::new().unwrap();
    for part in [2, 0, 1] {
        let path = directory.path().join(format!("{part}.parquet"));
        write(1, 100, 1_000, move |id| (part * 1_000 + id, 0), Sink::create(path)).unwrap();
    }
    std::fs::write(directory.path().join("_SUCCESS"), "").unwrap();
    std::fs::write(directory.path().join("_x.parquet"), "").unwrap();
    let pairs: Vec<(i64, i64)> = read(2, directory.path());
    assert!(pairs.into_iter().map(|(id, _)| id).eq(0..3_000));
}

#[test]
fn a_load_of_nothing_leaves_a_file_without_rows() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    write(1, 10, 0, record, Sink::create(&path)).unwrap();
    assert_eq!(read::<Everything>(1, &path), []);
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true)]));
    write(1, 10, 0, record, Sink::create(&path).schema(schema)).unwrap();
    assert_eq!(Source::open(&path).unwrap().schema().field(0).name(), "a");
}

#[test]
fn maps_name_their_columns() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    let map = |id: i64| -> BTreeMap<String, i64> {
        (0..=id % 3).map(|key| (format!("c{key}"), id)).collect()
    };
    write(2, 50, 1_000, map, Sink::create(&path)).unwrap();
    let rows: Vec<BTreeMap<String, Option<i64>>> = read(2, &path);
    assert_eq!(
        rows[0],
        BTreeMap::from([("c0".into(), Some(0)), ("c1".into(), None), ("c2".into(), None)])
    );
    assert_eq!(rows[2]["c2"], Some(2));
    // Keys that are numbers, as in the other sinks.
    let map = |id: i64| BTreeMap::from([(10, id), (11, -id)]);
    write(2, 50, 1_000, map, Sink::create(&path)).unwrap();
    let rows: Vec<BTreeMap<String, i64>> = read(2, &path);
    assert_eq!(rows[7], BTreeMap::from([("10".into(), 7), ("11".into(), -7)]));
}

#[test]
fn types_are_send_and_say_what_they_are() {
    fn check<T: Send + std::fmt::Debug>() {}
    check::<Source>();
    check::<Sink>();
    check::<pq::Batch>();
    check::<pq::ColumnarSource>();
}
