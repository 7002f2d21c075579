//! What a file in the file format says of its record batches, held against the file itself: readers
//! take memory for as much as is said, and a process that gets none is ended.

use super::at::At;
use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{Block, CompressionType, RecordBatch, root_as_footer, root_as_message};
use arrow_schema::ArrowError;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// Rows before each record batch of a file, and after the last, from the heads of their messages.
pub(super) fn rows_before(file: &Arc<File>) -> Result<Vec<u64>, ArrowError> {
    let mut at = At::new(file, 0);
    let mut tail = [0; 10];
    let end = at.seek(SeekFrom::End(0))?;
    at.seek(SeekFrom::End(-10))?;
    at.read_exact(&mut tail)?;
    let length = read_footer_length(tail)?;
    if length as u64 + 10 > end {
        return Err(bad("the footer is longer than the file"));
    }
    let mut footer = vec![0; length];
    at.seek(SeekFrom::End(-10 - length as i64))?;
    at.read_exact(&mut footer)?;
    let footer = root_as_footer(&footer).map_err(|_| bad("the footer is damaged"))?;
    for block in footer.dictionaries().into_iter().flatten() {
        rows(&mut at, block, end)?;
    }
    let mut before = vec![0_u64];
    for block in footer.recordBatches().into_iter().flatten() {
        let rows = rows(&mut at, block, end)?;
        let all = before[before.len() - 1].checked_add(rows);
        before.push(all.ok_or_else(|| bad("there are too many rows"))?);
    }
    Ok(before)
}

/// Rows of a record batch or dictionary that lies where `block` says.
fn rows(at: &mut At, block: &Block, end: u64) -> Result<u64, ArrowError> {
    let number = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
    let length = number(block.metaDataLength().into());
    let body = number(block.offset()).saturating_add(length);
    let body_length = number(block.bodyLength());
    if body.saturating_add(body_length) > end {
        return Err(bad("a record batch lies beyond the end of the file"));
    }
    let mut head = vec![0; length as usize];
    at.seek(SeekFrom::Start(body - length))?;
    at.read_exact(&mut head)?;
    // Files of old begin messages with their length alone.
    let skipped = if head.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message = head.get(skipped..).and_then(|head| root_as_message(head).ok());
    let batch = message.and_then(|message| {
        let dictionary = message.header_as_dictionary_batch().and_then(|it| it.data());
        message.header_as_record_batch().or(dictionary)
    });
    let batch = batch.ok_or_else(|| bad("the head of a record batch is damaged"))?;
    check_unpacked(at, &batch, body, body_length)?;
    Ok(u64::try_from(batch.length()).unwrap_or(0))
}

/// Whether compressed buffers can hold what they say.
fn check_unpacked(
    at: &mut At,
    batch: &RecordBatch<'_>,
    body: u64,
    body_length: u64,
) -> Result<(), ArrowError> {
    let Some(compression) = batch.compression() else { return Ok(()) };
    // Bytes that a byte can become: a run of 255, or a block of 128 KiB in four bytes.
    let most = match compression.codec() {
        CompressionType::LZ4_FRAME => 255,
        _ => 1 << 15,
    };
    for buffer in batch.buffers().into_iter().flatten() {
        let (Ok(offset), Ok(length)) =
            (u64::try_from(buffer.offset()), u64::try_from(buffer.length()))
        else {
            return Err(bad("a buffer lies nowhere"));
        };
        if offset.saturating_add(length) > body_length {
            return Err(bad("a buffer lies outside of its record batch"));
        }
        if length > 8 {
            let mut unpacked = [0; 8];
            at.seek(SeekFrom::Start(body + offset))?;
            at.read_exact(&mut unpacked)?;
            // -1: not compressed after all.
            let unpacked = i64::from_le_bytes(unpacked);
            if unpacked < -1 || unpacked > (length as i64).saturating_mul(most) {
                return Err(bad(&format!(
                    "a buffer of {length} bytes can't unpack to {unpacked}, as it says"
                )));
            }
        }
    }
    Ok(())
}

fn bad(what: &str) -> ArrowError {
    ArrowError::IpcError(what.into())
}
