//! Footers, which are put together here from what the crate writes of one row group at a time: the
//! crate's reader must find in them what its own writer would have said.

#![cfg(feature = "parquet")]

mod parquet_support;

use parquet_support::{read, write};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::Path;
use trommel_connect::parquet::parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use trommel_connect::parquet::parquet::file::statistics::Statistics as Stored;
use trommel_connect::parquet::{Sink, Statistics};

const GROUP: usize = 10;

/// Flat columns, which are encoded here, around a nested one, which the crate encodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    id: i64,
    tags: Vec<i32>,
    name: Option<String>,
}

fn record(id: i64) -> Record {
    let name = (id % 3 > 0).then(|| format!("name-{id:05}"));
    Record { id, tags: (0..id as i32 % 4).collect(), name }
}

fn footer(path: &Path) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&File::open(path).unwrap())
        .unwrap()
}

/// Row groups of `GROUP` rows each, one after the other without a gap, and their pages within them.
fn check(metadata: &ParquetMetaData, groups: usize) {
    assert_eq!(metadata.num_row_groups(), groups);
    assert_eq!(metadata.file_metadata().num_rows(), (groups * GROUP) as i64);
    let mut end = 4;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        assert_eq!(group.num_rows(), GROUP as i64);
        assert_eq!(group.ordinal(), Some(number as i32));
        assert_eq!(group.file_offset(), Some(end));
        let index = metadata.page_index_for_row_group(number);
        for (leaf, column) in group.columns().iter().enumerate() {
            let (start, length) = column.byte_range();
            assert_eq!(start as i64, end, "column {leaf} of row group {number}");
            end += length as i64;
            let pages = index.page_locations(leaf).expect("an offset index");
            assert_eq!(pages.len(), 1);
            assert_eq!(pages[0].offset, column.data_page_offset());
            assert_eq!(index.column_index(leaf).expect("a column index").num_pages(), 1);
        }
        assert_eq!(ids(group), (number as i64 * 10, number as i64 * 10 + 9));
    }
}

/// The smallest and the largest id of a row group.
fn ids(group: &RowGroupMetaData) -> (i64, i64) {
    match group.column(0).statistics() {
        Some(Stored::Int64(ids)) => (*ids.min_opt().unwrap(), *ids.max_opt().unwrap()),
        other => panic!("statistics of another type: {other:?}"),
    }
}

/// Numbers of row groups, and of rows, have forms of different lengths.
#[test]
fn any_number_of_row_groups() {
    let directory = tempfile::tempdir().unwrap();
    for groups in [1, 6, 7, 14, 15, 127, 128, 300] {
        let path = directory.path().join(format!("{groups}.parquet"));
        write(2, 7, groups * GROUP, record, Sink::create(&path).row_group_rows(GROUP)).unwrap();
        check(&footer(&path), groups);
        let expected: Vec<Record> = (0..(groups * GROUP) as i64).map(record).collect();
        assert_eq!(read::<Record>(2, &path), expected, "{groups} row groups");
    }
}

/// Page indexes are there as far as they were asked for.
#[test]
fn without_column_indexes() {
    let directory = tempfile::tempdir().unwrap();
    for statistics in [Statistics::None, Statistics::RowGroup] {
        let path = directory.path().join("records.parquet");
        let sink = Sink::create(&path).row_group_rows(GROUP).statistics(statistics);
        write(1, 7, 20 * GROUP, id_only, sink).unwrap();
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&File::open(&path).unwrap())
            .unwrap();
        assert_eq!(metadata.num_row_groups(), 20);
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let column = group.column(0);
            assert_eq!(column.column_index_offset(), None);
            assert!(column.offset_index_offset().is_some());
            assert_eq!(column.statistics().is_some(), statistics == Statistics::RowGroup);
            let index = metadata.page_index_for_row_group(number);
            assert_eq!(index.num_data_pages(0), Some(1));
        }
        let ids: Vec<Id> = read(2, &path);
        assert_eq!(ids, (0..200).map(id_only).collect::<Vec<_>>());
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Id {
    id: i64,
}

fn id_only(id: i64) -> Id {
    Id { id }
}
