//! A source that reads an Arrow stream.

use super::rows::{ArrowRows, kind};
use crate::plan::{Column, Kind, Plan};
use crate::rows::Rows;
use crate::source::Input;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchReader as _;
use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_schema::SchemaRef;
use engine::{Error, ErrorKind, Fill, Limit, Result};
use std::sync::Arc;

/// A source that reads a stream.
#[derive(Debug)]
pub(crate) struct ArrowIn {
    reader: RecordBatchStreamReader,
    /// What is left of the batch read last.
    rest: Option<RecordBatch>,
}

impl ArrowIn {
    pub(super) fn new(reader: RecordBatchStreamReader) -> Self {
        ArrowIn { reader, rest: None }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    /// The columns as the sink of a table would have them.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let column = |field: &Arc<arrow_schema::Field>| {
            Column::of(field.name(), kind(field.data_type()).unwrap_or(Kind::Blob))
        };
        self.reader.schema().fields().iter().map(column).collect()
    }

    /// Refuses columns whose values can't be read one by one.
    pub(crate) fn check(&self, plan: &Plan) -> Result<()> {
        let schema = self.reader.schema();
        for (index, _) in &plan.inputs {
            let field = schema.field(*index);
            if kind(field.data_type()).is_none() {
                let message = format!(
                    "column `{}` is {}; whole numbers, floats, booleans, texts and bytes can be \
                     read: choose columns, or convert it before",
                    field.name(),
                    field.data_type()
                );
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        Ok(())
    }
}

impl Input for ArrowIn {
    fn fill(&mut self, rows: &mut Rows, limit: &Limit<'_>, plan: &Plan) -> Result<Fill> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.reader.next() {
                Some(Ok(batch)) => batch,
                Some(Err(error)) => {
                    let message = "the Arrow stream has failed";
                    return Err(Error::new(ErrorKind::Io, message).caused_by(error));
                }
                None => {
                    *rows = Rows::Empty;
                    return Ok(Fill::End);
                }
            },
        };
        // Rows that nothing looks at go through in one piece: to cut a batch and to pass on its parts
        // costs more than all else.
        let wanted = match plan.keeps_arrow && plan.transform.is_none() {
            true => usize::MAX,
            false => limit.rows(),
        };
        if batch.num_rows() > wanted {
            self.rest = Some(batch.slice(wanted, batch.num_rows() - wanted));
            *rows = Rows::Arrow(ArrowRows(batch.slice(0, wanted)));
        } else {
            *rows = Rows::Arrow(ArrowRows(batch));
        }
        Ok(Fill::More)
    }
}
