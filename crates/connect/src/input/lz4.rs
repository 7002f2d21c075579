//! LZ4 frames, one after another.

use lz4_flex::frame::FrameDecoder;
use std::io::{BufRead, BufReader, ErrorKind, Read, Result};

/// Decodes frame after frame. The decoder takes the end of its input within a frame, between two
/// blocks, for the end of the frame; here it is an error.
pub(super) struct Frames<R: Read>(FrameDecoder<Watched<R>>);

struct Watched<R> {
    reader: BufReader<R>,
    /// The decoder has asked for more than there is.
    ended: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(reader: BufReader<R>) -> Self {
        Frames(FrameDecoder::new(Watched { reader, ended: false }))
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        loop {
            match self.0.read(space)? {
                0 if self.0.get_ref().ended => return Err(ErrorKind::UnexpectedEof.into()),
                // The frame has ended; another may follow.
                0 if self.0.get_mut().reader.fill_buf()?.is_empty() => return Ok(0),
                0 => {}
                count => return Ok(count),
            }
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        let count = self.reader.read(space)?;
        self.ended = count == 0;
        Ok(count)
    }
}
