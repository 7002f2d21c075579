//! Flat columns, encoded here, against the crate's own writer: same values, nulls and statistics,
//! whatever the type, the number of different values, nulls and lengths.

#![cfg(feature = "parquet")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use trommel::{Engine, Pipeline, sinks, sources};
use trommel_connect::arrow::arrow_array::types::*;
use trommel_connect::arrow::arrow_array::{
    Array, ArrayRef, BinaryArray, LargeBinaryArray, LargeStringArray, PrimitiveArray, RecordBatch,
    StringArray,
};
use trommel_connect::arrow::{Field, Schema};
use trommel_connect::parquet::parquet::arrow::ArrowWriter;
use trommel_connect::parquet::parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use trommel_connect::parquet::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use trommel_connect::parquet::parquet::file::properties::WriterProperties;
use trommel_connect::parquet::{Compression, Sink, Source, Statistics};

/// More than two pages, and not a whole number of them.
const ROWS: usize = 70_001;
const GROUP: usize = 66_000;

fn random() -> fastrand::Rng {
    fastrand::Rng::with_seed(11)
}

/// Values by the number of different ones, from a constant to no two alike, each with and without
/// nulls; the last has nothing but nulls.
fn shapes<T>(make: impl Fn(u64) -> T) -> Vec<Vec<Option<T>>> {
    let mut random = random();
    let mut shapes = Vec::new();
    for different in [1, 3, 200, 30_000, u64::MAX] {
        for nulls in [0, 5, 97] {
            let value = |random: &mut fastrand::Rng, row: u64| match different {
                u64::MAX => row,
                _ => random.u64(..different),
            };
            let values = (0..ROWS as u64).map(|row| {
                let value = value(&mut random, row);
                (random.u64(..100) >= nulls)
                    .then(|| make(value.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            });
            shapes.push(values.collect());
        }
    }
    // Runs, as sorted columns have them.
    shapes.push((0..ROWS as u64).map(|row| Some(make(row / 1_000))).collect());
    shapes.push((0..ROWS).map(|_| None).collect());
    shapes
}

fn write(path: &Path, batch: &RecordBatch, sink: Sink) {
    let pieces: Vec<RecordBatch> =
        (0..ROWS).step_by(7_001).map(|at| batch.slice(at, 7_001.min(ROWS - at))).collect();
    Pipeline::from(sources::iter(pieces))
        // A slice counts with all the memory that it is a part of.
        .options(trommel::Options::builder().memory_limit(2 << 30).build().unwrap())
        .transform(|piece: &mut RecordBatch, out| out.emit(&*piece))
        .load_into(sink.row_group_rows(GROUP).columnar())
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn read(path: &Path) -> (Arc<ParquetMetaData>, Vec<RecordBatch>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let file = File::open(path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = Arc::clone(builder.metadata());
    let reader = builder.with_batch_size(ROWS).build().unwrap();
    (metadata, reader.collect::<Result<_, _>>().unwrap())
}

/// Writes arrays as columns of one file, and the same by the crate.
fn compare(directory: &TempDir, arrays: Vec<ArrayRef>) {
    let name = arrays[0].data_type().to_string().replace(['(', ')', ',', ' ', '"', ':'], "_");
    let columns = arrays.into_iter().enumerate();
    let columns: Vec<_> = columns
        .map(|(at, array)| {
            let field =
                Field::new(at.to_string(), array.data_type().clone(), array.null_count() > 0);
            (field, array)
        })
        .collect();
    let schema = Schema::new(columns.iter().map(|(field, _)| field.clone()).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(schema), arrays).unwrap();

    let (ours, theirs) = (directory.path().join(&name), directory.path().join(format!("{name}.c")));
    write(&ours, &batch, Sink::create(&ours));
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP)).build();
    let file = File::create(&theirs).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let (metadata, batches) = read(&ours);
    let (expected, _) = read(&theirs);
    let mut at = 0;
    for part in batches {
        assert_eq!(part.columns(), batch.slice(at, part.num_rows()).columns(), "{name}");
        at += part.num_rows();
    }
    assert_eq!(at, ROWS, "{name}");
    for (ours, theirs) in metadata.row_groups().iter().zip(expected.row_groups()) {
        assert_eq!(ours.num_rows(), theirs.num_rows());
        for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
            let column = format!("{name} {}", ours.column_path());
            let (mine, other) = (ours.statistics().unwrap(), theirs.statistics().unwrap());
            assert_eq!(mine.null_count_opt(), other.null_count_opt(), "{column}");
            assert_eq!(mine.min_bytes_opt(), other.min_bytes_opt(), "{column}");
            assert_eq!(mine.max_bytes_opt(), other.max_bytes_opt(), "{column}");
            assert_eq!(
                ours.unencoded_byte_array_data_bytes(),
                theirs.unencoded_byte_array_data_bytes(),
                "{column}"
            );
            assert_eq!(ours.num_values(), theirs.num_values(), "{column}");
            // Not larger, but for what is in a page's head.
            let most = theirs.uncompressed_size() + theirs.uncompressed_size() / 20 + 1_000;
            assert!(ours.uncompressed_size() <= most, "{column}: {most} {ours:?}");
        }
    }
}

#[test]
fn numbers_of_every_type() {
    let directory = TempDir::new().unwrap();
    macro_rules! numbers {
        ($($type:ty: $make:expr),* $(,)?) => {$({
            let arrays = shapes($make).into_iter();
            let array = |values| Arc::new(PrimitiveArray::<$type>::from_iter(values)) as ArrayRef;
            compare(&directory, arrays.map(|values: Vec<_>| array(values)).collect());
        })*};
    }
    numbers! {
        Int8Type: |value| value as i8,
        Int16Type: |value| (value >> 3) as i16,
        Int32Type: |value| (value >> 3) as i32,
        Int64Type: |value| value as i64,
        UInt8Type: |value| value as u8,
        UInt16Type: |value| (value >> 3) as u16,
        UInt32Type: |value| (value >> 3) as u32,
        UInt64Type: |value| value,
        Float32Type: |value| (value >> 40) as f32 - 5e6,
        // Not 0, of which the crate doesn't say that it may be the negative one.
        Float64Type: |value| value as f64 / 3.0 + 1.0,
        Date32Type: |value| (value >> 40) as i32,
        TimestampMillisecondType: |value| (value >> 9) as i64,
        TimestampMicrosecondType: |value| (value >> 9) as i64,
        TimestampNanosecondType: |value| (value >> 9) as i64,
    }
}

#[test]
fn texts_and_bytes_of_every_length() {
    let directory = TempDir::new().unwrap();
    // 0 to 40 bytes, so that short ones, which are compared as words, and long ones both come.
    let text = |value: u64| format!("{value:x}").repeat(41)[..(value % 41) as usize].to_owned();
    let texts = shapes(text).into_iter().map(|values| Arc::new(StringArray::from(values)) as _);
    compare(&directory, texts.collect());
    let texts =
        shapes(text).into_iter().map(|values| Arc::new(LargeStringArray::from(values)) as _);
    compare(&directory, texts.collect());
    let bytes = shapes(|value| value.to_le_bytes()[..(value % 9) as usize].to_vec());
    let arrays = bytes.iter().map(|values| {
        Arc::new(BinaryArray::from_iter(values.iter().map(Option::as_deref))) as ArrayRef
    });
    compare(&directory, arrays.collect());
    let arrays = bytes.iter().map(|values| {
        Arc::new(LargeBinaryArray::from_iter(values.iter().map(Option::as_deref))) as ArrayRef
    });
    compare(&directory, arrays.collect());
}

/// Floats that compare with nothing, and zeros of both signs, come back bit by bit; bounds leave
/// the former out and hold both of the latter.
#[test]
fn floats_that_compare_oddly() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    let odd = [0.0, -0.0, f64::NAN, 1.0, f64::from_bits(f64::NAN.to_bits() | 7)];
    let values: Vec<f64> = (0..ROWS).map(|row| odd[row % odd.len()]).collect();
    let array = Arc::new(PrimitiveArray::<Float64Type>::from(values.clone())) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("f", array)]).unwrap();
    write(&path, &batch, Sink::create(&path));
    let (metadata, batches) = read(&path);
    let mut rows = values.iter();
    for batch in batches {
        let array = batch.column(0).as_any().downcast_ref::<PrimitiveArray<Float64Type>>().unwrap();
        array.values().iter().for_each(|value| {
            assert_eq!(value.to_bits(), rows.next().unwrap().to_bits());
        });
    }
    let statistics = metadata.row_group(0).column(0).statistics().unwrap();
    assert_eq!(statistics.min_bytes_opt().unwrap(), (-0.0_f64).to_le_bytes());
    assert_eq!(statistics.max_bytes_opt().unwrap(), 1.0_f64.to_le_bytes());
}

/// Texts so large that a page ends before its rows, and a dictionary before its chunk.
#[test]
fn large_texts_are_kept_and_pages_stay_small() {
    let directory = TempDir::new().unwrap();
    for (name, different) in [("repeated", 500), ("unique", usize::MAX)] {
        let path = directory.path().join(name);
        let text = |row: usize| format!("{:05}{}", row % different, "x".repeat(2_000));
        let rows = 20_000;
        let piece = |from: usize| {
            let texts = StringArray::from_iter_values((from..from + 1_000).map(text));
            RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef)]).unwrap()
        };
        Pipeline::from(sources::iter((0..rows).step_by(1_000).map(piece).collect::<Vec<_>>()))
            .transform(|piece: &mut RecordBatch, out| out.emit(&*piece))
            .load_into(Sink::create(&path).row_group_rows(rows).columnar())
            .run(&Engine::builder().workers(1).build().unwrap())
            .unwrap();
        let (metadata, batches) = read(&path);
        let mut row = 0;
        for batch in batches {
            let texts = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap();
            for found in texts {
                assert!(found == Some(text(row).as_str()), "{name}: row {row}");
                row += 1;
            }
        }
        assert_eq!(row, rows, "{name}");
        let chunk = metadata.row_group(0).column(0);
        // Bounds of such texts are not kept.
        let statistics = chunk.statistics().unwrap();
        assert_eq!((statistics.min_bytes_opt(), statistics.null_count_opt()), (None, Some(0)));
        if different == usize::MAX {
            let pages = metadata.page_index_for_row_group(0).page_locations(0).unwrap().len();
            assert!(pages > 10, "{pages} pages for 40 MB");
        }
    }
}

#[test]
fn every_codec_and_kind_of_statistics() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    let numbers = Arc::new(PrimitiveArray::<UInt16Type>::from_iter_values(
        (0..ROWS).map(|row| (row % 999) as u16),
    )) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    for codec in
        [Compression::None, Compression::Snappy, Compression::Zstd(1), Compression::Zstd(9)]
    {
        for statistics in [Statistics::None, Statistics::RowGroup, Statistics::Page] {
            write(&path, &batch, Sink::create(&path).compression(codec).statistics(statistics));
            let (metadata, batches) = read(&path);
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(rows, ROWS);
            assert_eq!(batches[0].columns(), batch.slice(0, batches[0].num_rows()).columns());
            let has = metadata.row_group(0).column(0).statistics().is_some();
            assert_eq!(has, statistics != Statistics::None, "{statistics:?}");
            let index = metadata.row_group(0).column(0).column_index_offset().is_some();
            assert_eq!(index, statistics == Statistics::Page, "{statistics:?}");
        }
    }
}

/// A column is read as its own type and as others, with and without nulls, by each way to name it.
#[test]
fn rows_are_read_as_their_own_type_and_as_others() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.parquet");
    let wide =
        PrimitiveArray::<Int64Type>::from_iter((0..100).map(|id| (id % 3 > 0).then_some(id)));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("wide", Arc::new(wide) as ArrayRef, true),
        ("text", Arc::new(StringArray::from_iter_values((0..100).map(|id| id.to_string()))), false),
    ])
    .unwrap();
    Pipeline::from(sources::iter([batch]))
        .transform(|piece: &mut RecordBatch, out| out.emit(&*piece))
        .load_into(Sink::create(&path).columnar())
        .run(&Engine::builder().workers(1).build().unwrap())
        .unwrap();
    let source = Source::open(&path).unwrap();
    let wide = source.column("wide").unwrap();
    let mut seen = sinks::collect::<(Option<i64>, Option<u8>, Option<f64>, String)>();
    let report = Pipeline::from(source)
        .options(
            trommel::Options::builder()
                .on_reject(trommel::RejectPolicy::skip(1_000))
                .build()
                .unwrap(),
        )
        .transform(move |row, out| {
            // A null is none for an option, and rejects the row for a plain value.
            assert_eq!(row.get::<i64>(wide).is_err(), row.is_null("wide")?);
            assert_eq!(row.get::<Option<i64>>(0)?, row.get::<Option<i64>>("wide")?);
            if row.record() == 99 {
                row.get::<u16>(wide)?;
            }
            out.emit((row.get(wide)?, row.get(wide)?, row.get(wide)?, row.str("text")?.to_owned()))
        })
        .load_into(&mut seen)
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (99, 1));
    for (id, (own, narrow, float, text)) in seen.into_vec().into_iter().enumerate() {
        let expected = (id % 3 > 0).then_some(id as i64);
        assert_eq!(own, expected);
        assert_eq!(narrow.map(i64::from), expected);
        assert_eq!(float.map(|number| number as i64), expected);
        assert_eq!(text, id.to_string());
    }
}
