//! Any sink of `trommel-connect` as one for rows with columns.

use super::record::{Layout, Record};
use crate::page::{Form, Page, RowPage};
use crate::sink;
use crate::value::{Maker, Value};
use engine::{Checkpoint, Commit, Durability, Encode, Error, Page as _, Reject, Result, Sink};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A sink, and what its columns are.
struct Loaded<S> {
    sink: S,
    layout: Arc<Layout>,
}

/// Makes a sink one for rows of these columns.
pub(super) fn loaded<S>(sink: S, layout: Layout) -> sink::Sink
where
    S: Sink + 'static,
    for<'a> S: Encode<&'a Record<'a>>,
{
    Box::new(Loaded { sink, layout: Arc::new(layout) })
}

impl<S> Sink for Loaded<S>
where
    S: Sink + 'static,
    for<'a> S: Encode<&'a Record<'a>>,
{
    type Page = Page;
    type Encoder = Form;

    fn encoder(&mut self) -> Result<Form> {
        let encoder = Arc::new(self.sink.encoder()?);
        let layout = Arc::clone(&self.layout);
        let make = move || -> Box<dyn RowPage> {
            let (encoder, layout) = (Arc::clone(&encoder), Arc::clone(&layout));
            Box::new(Held::<S> { page: S::Page::default(), encoder, layout })
        };
        Ok(Form::Rows(Arc::new(make)))
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        match page {
            Page::Rows(page) => match page.any().downcast_mut::<Held<S>>() {
                Some(held) => self.sink.write(&mut held.page),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn refuses_values(&self) -> bool {
        self.sink.refuses_values()
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        self.sink.take_faults(faults);
    }

    fn keeps_rejects(&self) -> bool {
        self.sink.keeps_rejects()
    }

    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.sink.keep_reject(reject)
    }

    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.sink.commit(checkpoint, when)
    }

    fn finish(&mut self) -> Result<()> {
        self.sink.finish()
    }

    fn abort(&mut self) -> Durability {
        self.sink.abort()
    }

    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.sink.resume(job)
    }

    fn may_block(&self) -> bool {
        self.sink.may_block()
    }

    fn stays_on_caller(&self) -> bool {
        self.sink.stays_on_caller()
    }

    fn gives_up_order(&self) -> bool {
        self.sink.gives_up_order()
    }
}

/// A page of the sink's, and what fills it.
struct Held<S: Sink> {
    page: S::Page,
    encoder: Arc<S::Encoder>,
    layout: Arc<Layout>,
}

impl<S: Sink> fmt::Debug for Held<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} bytes)", self.page.bytes())
    }
}

impl<S> RowPage for Held<S>
where
    S: Sink + 'static,
    for<'a> S: Encode<&'a Record<'a>>,
{
    fn push(&mut self, values: &[Value]) -> Result<()> {
        let record = Record::new(&self.layout, values, Maker::Caller)?;
        S::encode(&self.encoder, &mut self.page, &record)
    }

    fn push_rows(&mut self, values: &[Value], width: usize, most_bytes: usize) -> usize {
        let Held { page, encoder, layout } = self;
        for (row, values) in values.chunks_exact(width).enumerate() {
            let mark = page.mark();
            let record = Record::new(layout, values, Maker::Library);
            if record.and_then(|record| S::encode(encoder, page, &record)).is_err() {
                return row;
            }
            if page.bytes() > most_bytes {
                page.rewind(mark);
                return row;
            }
        }
        values.len() / width
    }

    #[cfg(feature = "sqlite")]
    fn table(&mut self, width: usize) -> Option<&mut trommel_connect::table::Page> {
        let page: &mut dyn Any = &mut self.page;
        page.downcast_mut().filter(|_| self.layout.takes_as_they_are(width))
    }

    fn clear(&mut self) {
        self.page.clear();
    }

    fn bytes(&self) -> usize {
        self.page.bytes()
    }

    fn mark(&self) -> usize {
        self.page.mark()
    }

    fn rewind(&mut self, mark: usize) {
        self.page.rewind(mark);
    }

    fn seal(&mut self) {
        self.page.seal();
    }

    fn any(&mut self) -> &mut dyn Any {
        self
    }
}
