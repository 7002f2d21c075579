//! The batch: rows of any form, decoded and transformed as a whole before they are walked.

use crate::numbers::verdict;
use crate::page::RowPage;
use crate::plan::Plan;
use crate::rows::Rows;
use crate::transform::{self, Item, Outcome, Written};
use crate::value::Value;
use engine::{Error, Origin, Result};
use std::sync::Arc;

/// Rows on their way through a worker.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) rows: Rows,
    plan: Option<Arc<Plan>>,
    /// The decoded values of rows with columns, from row `first` on.
    values: Vec<Value>,
    first: usize,
    /// Rows that could not be decoded, rising.
    bad: Vec<(usize, Error)>,
    outcome: Outcome,
    is_ready: bool,
}

/// What became of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row<'a> {
    /// Nothing.
    Filtered,
    One(Item<'a>),
    Many(&'a [Written]),
}

/// A batch that has been decoded and transformed.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    pub(crate) rows: &'a Rows,
    pub(crate) bad: &'a [(usize, Error)],
    /// One for each row; `None` without a transform.
    pub(crate) verdicts: Option<&'a [u8]>,
    /// The records that rows which are kept become, one for each row.
    pub(crate) kept: &'a [u8],
}

impl Batch {
    /// Forgets what was made of the rows that were here, for a source that has filled in new ones.
    pub(crate) fn refilled(&mut self, plan: &Arc<Plan>) {
        // Once per batch buffer, not once per batch: the count is shared by all workers.
        if self.plan.is_none() {
            self.plan = Some(Arc::clone(plan));
        }
        self.values.clear();
        self.bad.clear();
        self.outcome.clear();
        self.is_ready = false;
    }

    /// Bytes of what a transform makes of each row, where it makes anything.
    pub(crate) fn output_size(&self) -> Option<usize> {
        let transform = self.plan.as_ref()?.transform.as_ref()?;
        Some(transform.output_size).filter(|size| *size > 0)
    }

    /// The batch once it was [made ready](Self::make_ready).
    pub(crate) fn ready(&self) -> Ready<'_> {
        let transforms = self.plan.as_ref().is_some_and(|plan| plan.transform.is_some());
        let kept = match (&self.rows, self.output_size()) {
            (_, Some(_)) => self.outcome.output.bytes(),
            (Rows::Fixed { records, .. }, None) => records.bytes(),
            _ => &[],
        };
        let verdicts = transforms.then_some(&*self.outcome.verdicts);
        Ready { rows: &self.rows, bad: &self.bad, verdicts, kept }
    }

    /// Decodes the rows from `from` on straight into a page, of `most_bytes` at most, if none of them
    /// was decoded before and no transform is to see them together; answers how many.
    pub(crate) fn pour(&mut self, from: usize, page: &mut dyn RowPage, most_bytes: usize) -> usize {
        match (&mut self.rows, &self.plan) {
            (Rows::Table(table), Some(plan)) if !self.is_ready && plan.transform.is_none() => {
                table.pour(plan, from, page, most_bytes)
            }
            _ => 0,
        }
    }

    /// Decodes and transforms, once; without a transform only the rows from `from` on are decoded.
    pub(crate) fn make_ready(&mut self, from: usize) -> Result<()> {
        if self.is_ready {
            return Ok(());
        }
        let Some(plan) = self.plan.clone() else { return Ok(()) };
        let plan = &*plan;
        let Batch { rows, values, first, bad, outcome, .. } = self;
        *first = 0;
        if let Rows::Table(table) = rows {
            values.clear();
            bad.clear();
            if plan.transform.is_none() {
                *first = from;
            }
            table.decode(plan, *first, values, bad)?;
        }
        #[cfg(feature = "arrow")]
        if let Rows::Arrow(rows) = rows {
            values.clear();
            // To be handed on as it is, a row needs no values.
            if plan.transform.is_some() || !plan.keeps_arrow {
                rows.decode(plan, values);
            }
        }
        if let Some(transform) = &plan.transform {
            transform::apply(transform, plan, rows, values, outcome)?;
        }
        self.is_ready = true;
        Ok(())
    }
}

/// Takes the error of a row out of a list in rising order.
fn take(list: &mut Vec<(usize, Error)>, row: usize) -> Option<Error> {
    let index = list.binary_search_by_key(&row, |(row, _)| *row).ok()?;
    Some(list.remove(index).1)
}

impl engine::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn bytes(&self) -> usize {
        self.rows.bytes() + self.values.len() * size_of::<Value>() + self.outcome.bytes()
    }

    #[inline]
    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        let Some(plan) = self.plan.clone() else { return Ok(()) };
        self.make_ready(from)?;
        let Batch { rows, values, first, bad, outcome, .. } = self;
        let (rows, values, first, count) = (&*rows, &**values, *first, rows.len());
        let width = plan.inputs.len();
        let itself = |row: usize| match rows {
            Rows::Empty => Row::Filtered,
            Rows::Fixed { records, size } => {
                Row::One(Item::Bytes(&records.bytes()[row * size..][..*size]))
            }
            Rows::Bytes(records) => Row::One(Item::Bytes(records.get(row))),
            #[cfg(feature = "arrow")]
            Rows::Arrow(rows) if plan.keeps_arrow => Row::One(Item::Arrow(rows, row)),
            #[cfg(feature = "arrow")]
            Rows::Arrow(_) => Row::One(Item::Values(&values[row * width..][..width])),
            Rows::Table(_) => Row::One(Item::Values(&values[(row - first) * width..][..width])),
        };
        let Some(transform) = &plan.transform else {
            for row in from..count {
                let bad = if bad.is_empty() { None } else { take(bad, row) };
                visit(bad.map_or_else(|| Ok(itself(row)), Err))?;
            }
            return Ok(());
        };
        let Outcome { verdicts, output, written, rejects, .. } = outcome;
        let (output, size) = (output.bytes(), transform.output_size);
        let written: &'a [Written] = written;
        let mut next = written.partition_point(|written| written.row() < from);
        for row in from..count {
            if !bad.is_empty()
                && let Some(error) = take(bad, row)
            {
                visit(Err(error))?;
                continue;
            }
            match verdicts[row] {
                verdict::KEEP if size > 0 => {
                    visit(Ok(Row::One(Item::Bytes(&output[row * size..][..size]))))?;
                }
                verdict::KEEP => visit(Ok(itself(row)))?,
                verdict::FILTER => visit(Ok(Row::Filtered))?,
                verdict::REJECT => {
                    let said = || Error::row("the transform rejected the row");
                    visit(Err(take(rejects, row).unwrap_or_else(said)))?;
                }
                verdict::WRITTEN => {
                    let rest = &written[next..];
                    let rest = &rest[rest.partition_point(|written| written.row() < row)..];
                    let mine = rest.iter().take_while(|written| written.row() == row).count();
                    next = written.len() - rest.len() + mine;
                    visit(Ok(Row::Many(&rest[..mine])))?;
                }
                unknown => {
                    let message = format!("the transform's verdict {unknown} is unknown");
                    visit(Err(Error::fatal(message)))?;
                }
            }
        }
        Ok(())
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let (Some(plan), false) = (&self.plan, self.is_ready) else { return false };
        let Some(rows) = self.rows.split_off(at) else { return false };
        tail.rows = rows;
        tail.refilled(plan);
        true
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        self.rows.locate(rows, found);
    }
}
