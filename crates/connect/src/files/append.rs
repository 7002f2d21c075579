//! Files that are added to.

use super::compress::open_compressed;
use super::output::Output;
use super::place::explain;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use trommel::Result;

impl Output {
    /// Ends the last line of what a file begins with, if nothing has: the first value that is added
    /// would go on with it.
    pub(super) fn end_last_line(&mut self) -> Result<()> {
        let compression = self.settings.compression;
        let Some(part) = self.present()?.filter(|part| part.bytes > 0) else { return Ok(()) };
        let last = match compression.packs() {
            false => last_byte(part.side()),
            true => last_of(open_compressed(part.side(), compression)?),
        };
        let last = last.map_err(|error| explain("read", part.side(), error))?;
        if last.is_none_or(|last| last == b'\n') {
            return Ok(());
        }
        let mut end = Vec::new();
        self.packer.pack(compression, self.settings.line_end, &mut end);
        self.append(&end, 0)
    }
}

fn last_byte(path: &Path) -> io::Result<Option<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(Some(last[0]))
}

/// The last byte of a stream, which has to be read for it.
fn last_of(mut reader: impl Read) -> io::Result<Option<u8>> {
    let mut chunk = vec![0; 64 * 1024];
    let mut last = None;
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(last),
            Ok(read) => last = Some(chunk[read - 1]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
