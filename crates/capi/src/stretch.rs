//! Rows that go to the page as they are, many at once: a transform has judged its whole batch before
//! the first row is walked, and to walk each row that was kept costs ten times what it takes to copy
//! it.

use crate::batch::Batch;
use crate::numbers::verdict;
use crate::page::{Form, Page};
use crate::rows::Rows;
use engine::{Page as _, Result, Stretch};

/// What lies at `from`: rows of the same verdict.
fn run_of(verdicts: &[u8], from: usize) -> (u8, usize) {
    let first = verdicts[from];
    let rest = &verdicts[from..];
    (first, rest.iter().position(|verdict| *verdict != first).unwrap_or(rest.len()))
}

/// Takes rows that are kept or filtered until one comes that needs more, or the page is full.
pub(crate) fn take(
    batch: &mut Batch,
    from: usize,
    form: &Form,
    page: &mut Page,
    room: usize,
) -> Result<Stretch> {
    if let Form::Rows(_) = form {
        page.begin(form);
        let most_bytes = page.bytes().saturating_add(room);
        let rows = match page {
            Page::Rows(page) => batch.pour(from, &mut **page, most_bytes),
            _ => 0,
        };
        return Ok(Stretch { rows, values: rows });
    }
    let takes = match (&batch.rows, form) {
        (Rows::Fixed { size, .. }, Form::Fixed(wanted)) => {
            batch.output_size().unwrap_or(*size) == *wanted
        }
        (_, Form::Fixed(wanted)) => batch.output_size() == Some(*wanted),
        #[cfg(feature = "arrow")]
        (Rows::Arrow(_), Form::Arrow) => true,
        _ => false,
    };
    if !takes {
        return Ok(Stretch::default());
    }
    batch.make_ready(from)?;
    page.begin(form);
    let ready = batch.ready();
    let mut stretch = Stretch::default();
    let mut room = match form {
        Form::Fixed(size) => room / size,
        _ => usize::MAX,
    };
    while from + stretch.rows < ready.rows.len() && room > 0 {
        let start = from + stretch.rows;
        let (judged, mut rows) = match ready.verdicts {
            Some(verdicts) => run_of(verdicts, start),
            None => (verdict::KEEP, ready.rows.len() - start),
        };
        // A row that could not be decoded is told of by the walk.
        let next_bad = ready.bad.partition_point(|(bad, _)| *bad < start);
        if let Some((bad, _)) = ready.bad.get(next_bad) {
            rows = rows.min(bad - start);
        }
        match judged {
            verdict::FILTER => {}
            verdict::KEEP => {
                rows = rows.min(room);
                room -= rows;
                match (&mut *page, ready.rows) {
                    #[cfg(feature = "arrow")]
                    (Page::Arrow(page), Rows::Arrow(batch)) => page.push(batch, start, rows),
                    (Page::Fixed { records, size }, _) => {
                        records.extend(&ready.kept[start * *size..][..rows * *size]);
                    }
                    _ => break,
                }
                stretch.values += rows;
            }
            _ => break,
        }
        if rows == 0 {
            break;
        }
        stretch.rows += rows;
    }
    Ok(stretch)
}
