//! A sink that waits for each page, as one that talks to a far machine does.

use crate::origin::Tally;
use std::thread;
use std::time::Duration;
use trommel::{Encode, Page, Result, Sink};

/// Time that a page takes, whatever its size.
const PER_PAGE: Duration = Duration::from_micros(200);

/// Tallies lines; each page costs a wait.
#[derive(Debug, Default)]
pub(super) struct SlowSink {
    pub(super) tally: Tally,
}

/// The tally of one batch.
#[derive(Debug, Default)]
pub(super) struct TallyPage(Tally);

impl Page for TallyPage {
    fn clear(&mut self) {
        self.0 = Tally::default();
    }
    fn bytes(&self) -> usize {
        0
    }
    fn mark(&self) -> usize {
        0
    }
    fn rewind(&mut self, _mark: usize) {}
}

impl Sink for SlowSink {
    type Page = TallyPage;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, page: &mut TallyPage) -> Result<()> {
        thread::sleep(PER_PAGE);
        self.tally.merge(page.0);
        Ok(())
    }
}

impl Encode<&str> for SlowSink {
    fn encode(_: &(), page: &mut TallyPage, line: &str) -> Result<()> {
        page.0.add(line);
        Ok(())
    }
}
