//! What rows of arrays come to, for files that are read back.

use super::aside::io_error;
use crate::verify::{Digest, RowHash};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType};
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;
use trommel::{Error, Result};

/// Adds rows: an array for each column.
///
/// What counts is values, not how they lie in memory: a text is the same whether it is in a
/// dictionary or not, and what is below a null is not looked at.
pub(crate) fn add(digest: &mut Digest, columns: &[ArrayRef], rows: usize) -> Result<()> {
    let mut hashes = vec![RowHash::new(); rows];
    columns.iter().try_for_each(|column| each(column, &mut hashes))?;
    hashes.iter().for_each(|hash| digest.add(hash));
    Ok(())
}

/// The digest of an IPC file or stream.
pub(super) fn read(path: &Path, is_stream: bool) -> Result<Digest> {
    let failed = |error: ArrowError| unreadable(path).caused_by(error);
    let file = File::open(path).map_err(|error| io_error(path, "can't be read back", error))?;
    let file = BufReader::new(file);
    let batches: Box<dyn Iterator<Item = _>> = match is_stream {
        true => Box::new(StreamReader::try_new(file, None).map_err(failed)?),
        false => Box::new(FileReader::try_new(file, None).map_err(failed)?),
    };
    let mut digest = Digest::default();
    for batch in batches {
        let batch = batch.map_err(failed)?;
        add(&mut digest, batch.columns(), batch.num_rows())?;
    }
    Ok(digest)
}

pub(crate) fn unreadable(path: &Path) -> Error {
    Error::fatal(format!("verify: {} can't be read back", path.display()))
}

/// Adds the values of an array, one to each hash.
fn each(array: &dyn Array, hashes: &mut [RowHash]) -> Result<()> {
    let nulls = array.logical_nulls();
    let nulls = nulls.as_ref();
    macro_rules! bytes {
        ($array:expr, $add:ident) => {{
            let array = $array;
            visit(hashes, nulls, |hash, row| hash.$add(array.value(row).as_ref()))
        }};
    }
    macro_rules! lists {
        ($array:expr, $values:ident) => {{
            let array = $array;
            let ends = array.value_offsets();
            lists(hashes, nulls, array.$values(), |row| ends[row] as usize..ends[row + 1] as usize)?
        }};
    }
    match array.data_type() {
        DataType::Null => visit(hashes, nulls, |_, _| {}),
        DataType::Boolean => {
            let array = array.as_boolean();
            visit(hashes, nulls, |hash, row| hash.int(array.value(row).into()));
        }
        DataType::Utf8 => bytes!(array.as_string::<i32>(), text),
        DataType::LargeUtf8 => bytes!(array.as_string::<i64>(), text),
        DataType::Utf8View => bytes!(array.as_string_view(), text),
        DataType::Binary => bytes!(array.as_binary::<i32>(), blob),
        DataType::LargeBinary => bytes!(array.as_binary::<i64>(), blob),
        DataType::BinaryView => bytes!(array.as_binary_view(), blob),
        DataType::FixedSizeBinary(_) => bytes!(array.as_fixed_size_binary(), blob),
        DataType::List(_) => lists!(array.as_list::<i32>(), values),
        DataType::LargeList(_) => lists!(array.as_list::<i64>(), values),
        DataType::Map(..) => lists!(array.as_map(), entries),
        DataType::FixedSizeList(..) => {
            let array = array.as_fixed_size_list();
            let len = array.value_length() as usize;
            lists(hashes, nulls, array.values(), |row| row * len..(row + 1) * len)?;
        }
        DataType::Struct(_) => {
            let mut inner = vec![RowHash::new(); array.len()];
            for column in array.as_struct().columns() {
                each(column, &mut inner)?;
            }
            visit(hashes, nulls, |hash, row| hash.nested(&inner[row]));
        }
        DataType::Dictionary(..) => {
            let array = array.as_any_dictionary();
            let mut values = vec![RowHash::new(); array.values().len()];
            each(array.values(), &mut values)?;
            let keys = if values.is_empty() { Vec::new() } else { array.normalized_keys() };
            visit(hashes, nulls, |hash, row| hash.nested(&values[keys[row]]));
        }
        kind => match kind.primitive_width() {
            Some(width) => numbers(hashes, nulls, array, width),
            None => {
                return Err(Error::config(format!(
                    "verify: values of type {kind} can't be compared: leave `verify` out"
                )));
            }
        },
    }
    Ok(())
}

/// Calls `add` with the hashes of the rows that are not null.
fn visit(
    hashes: &mut [RowHash],
    nulls: Option<&NullBuffer>,
    mut add: impl FnMut(&mut RowHash, usize),
) {
    for (row, hash) in hashes.iter_mut().enumerate() {
        match nulls.is_some_and(|nulls| nulls.is_null(row)) {
            true => hash.null(),
            false => add(hash, row),
        }
    }
}

/// Numbers of every kind, dates and times among them, by their bytes.
fn numbers(hashes: &mut [RowHash], nulls: Option<&NullBuffer>, array: &dyn Array, width: usize) {
    let data = array.to_data();
    let bytes = &data.buffers()[0].as_slice()[data.offset() * width..];
    visit(hashes, nulls, |hash, row| {
        let bytes = &bytes[row * width..][..width];
        match bytes.len() {
            ..=8 => {
                let mut word = [0; 8];
                word[..width].copy_from_slice(bytes);
                hash.int(i64::from_le_bytes(word));
            }
            _ => hash.blob(bytes),
        }
    });
}

/// Lists, each a range of `values`.
fn lists(
    hashes: &mut [RowHash],
    nulls: Option<&NullBuffer>,
    values: &dyn Array,
    range: impl Fn(usize) -> Range<usize>,
) -> Result<()> {
    // Of a slice of an array the rest of the values is there too.
    let from = (0..hashes.len()).map(|row| range(row).start).min().unwrap_or(0);
    let to = (0..hashes.len()).map(|row| range(row).end).max().unwrap_or(from);
    let mut items = vec![RowHash::new(); to - from];
    each(&values.slice(from, to - from), &mut items)?;
    visit(hashes, nulls, |hash, row| {
        let range = range(row);
        hash.int(range.len() as i64);
        items[range.start - from..range.end - from].iter().for_each(|item| hash.nested(item));
    });
    Ok(())
}
