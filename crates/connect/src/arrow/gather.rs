//! What the pages of a run have in common: one schema, settled by the first rows or given.

use super::column::{Column, Named};
use super::merge::merge;
use super::page::Page;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;
use trommel::{Error, Page as _, Result};

/// Rows after which the schema is settled, if every column has had a value by then.
const ENOUGH_ROWS: usize = 4096;

/// Bytes after which it is settled all the same, since rows that wait take memory.
const MOST_BYTES: usize = 64 << 20;

/// What the user has said about the columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declared {
    pub(crate) schema: Option<SchemaRef>,
    pub(crate) columns: Vec<Field>,
}

impl Declared {
    /// The schema that pages start with.
    pub(crate) fn check(&self) -> Result<()> {
        let fields = self.schema.iter().flat_map(|schema| schema.fields().iter().map(|f| &**f));
        fields.chain(&self.columns).try_for_each(|field| Column::of(field).map(drop))
    }
}

/// Collects pages until the schema is settled, and makes columns of it from then on.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    schema: Option<SchemaRef>,
    waiting: Vec<Waiting>,
    rows: usize,
    bytes: usize,
    /// Rows with which the schema was last looked for.
    looked: usize,
}

/// Rows as a page had them.
#[derive(Debug)]
struct Waiting {
    rows: usize,
    columns: Vec<Named>,
    key: usize,
    bytes: usize,
}

/// Rows as columns in the order of the schema.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<Column>,
    /// What it was taken for, and the bytes that it takes.
    pub(crate) key: usize,
    pub(crate) bytes: usize,
}

impl Gather {
    pub(crate) fn new(schema: Option<SchemaRef>) -> Self {
        Gather { schema, ..Gather::default() }
    }

    pub(crate) fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Rows that wait.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Takes the rows of a page.
    pub(crate) fn take(&mut self, page: &mut Page) {
        self.take_for(0, page);
    }

    /// The same for a key, which the rows keep.
    pub(crate) fn take_for(&mut self, key: usize, page: &mut Page) {
        let (rows, bytes) = (page.rows, page.bytes());
        if rows > 0 {
            self.waiting.push(Waiting { rows, columns: page.take_columns(), key, bytes });
            self.rows += rows;
            self.bytes += bytes;
        }
    }

    /// The rows taken so far, once the schema is settled: at the latest with `most_rows` of them, or
    /// when told.
    pub(crate) fn chunks(&mut self, most_rows: usize, now: bool) -> Result<Vec<Chunk>> {
        if self.schema.is_none() {
            let now = now || self.rows >= most_rows || self.bytes >= MOST_BYTES;
            if self.rows - self.looked < ENOUGH_ROWS && !now {
                return Ok(Vec::new());
            }
            self.looked = self.rows;
            let schema = self.merged()?;
            let is_known = |field: &Arc<Field>| !is_unknown(field.data_type());
            if !(schema.fields().iter().all(is_known) || now) {
                return Ok(Vec::new());
            }
            self.schema = Some(Arc::new(schema));
        }
        let Some(schema) = &self.schema else {
            return Ok(Vec::new());
        };
        (self.rows, self.bytes) = (0, 0);
        let waiting = self.waiting.drain(..);
        waiting
            .map(|Waiting { rows, columns, key, bytes }| {
                Ok(Chunk { rows, columns: conform(columns, schema, rows)?, key, bytes })
            })
            .collect()
    }

    /// As [`chunks`](Self::chunks), each as a record batch.
    pub(crate) fn batches(&mut self, most_rows: usize, now: bool) -> Result<Vec<RecordBatch>> {
        let chunks = self.chunks(most_rows, now)?;
        let Some(schema) = &self.schema else { return Ok(Vec::new()) };
        chunks.into_iter().map(|chunk| chunk.into_batch(schema)).collect()
    }

    fn merged(&self) -> Result<Schema> {
        let mut fields: Vec<Field> = Vec::new();
        for (name, column) in self.waiting.iter().flat_map(|waiting| &waiting.columns) {
            let kind = column.data_type();
            match fields.iter_mut().find(|field| **field.name() == **name) {
                Some(field) => {
                    let merged = merge(field.data_type(), &kind).ok_or_else(|| {
                        Error::fatal(format!(
                            "the column has values of types {} and {kind}: declare its type with \
                             `.column` or `.schema`",
                            field.data_type()
                        ))
                        .in_column(&**name)
                    })?;
                    field.set_data_type(merged);
                }
                None => fields.push(Field::new(&**name, kind, column.nullable)),
            }
        }
        Ok(Schema::new(fields))
    }
}

impl Chunk {
    /// Takes off the rows from `at` on.
    pub(crate) fn split_off(&mut self, at: usize) -> Chunk {
        let columns = self.columns.iter_mut().map(|column| column.split_off(at)).collect();
        let rows = self.rows - at;
        let bytes = self.bytes / self.rows.max(1) * rows;
        self.rows = at;
        self.bytes -= bytes;
        Chunk { rows, columns, key: self.key, bytes }
    }

    pub(crate) fn into_batch(self, schema: &SchemaRef) -> Result<RecordBatch> {
        let arrays = self.columns.into_iter().map(Column::into_array);
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(Arc::clone(schema), arrays)
            .map_err(|error| Error::fatal("the columns don't make a record batch").caused_by(error))
    }
}

/// Whether a type has a part of which no value has been seen.
fn is_unknown(kind: &DataType) -> bool {
    match kind {
        DataType::Null => true,
        DataType::List(item) | DataType::Map(item, _) => is_unknown(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| is_unknown(field.data_type())),
        _ => false,
    }
}

fn conform(mut columns: Vec<Named>, schema: &Schema, rows: usize) -> Result<Vec<Column>> {
    let mut conformed = Vec::with_capacity(schema.fields().len());
    for (index, field) in schema.fields().iter().enumerate() {
        // Where it is expected, unless the records are maps with keys in an order of their own.
        let at = match columns.get(index) {
            Some((name, _)) if **name == **field.name() => Some(index),
            _ => columns.iter().position(|(name, _)| **name == **field.name()),
        };
        let mut column = match at {
            Some(at) => {
                columns[at].0 = "".into();
                std::mem::take(&mut columns[at].1)
            }
            None => Column::nulls(rows),
        };
        column.conform(field).map_err(|error| error.in_column(field.name().as_str()))?;
        conformed.push(column);
    }
    match columns.iter().find(|(_, column)| column.len() > 0) {
        Some((name, _)) => Err(Error::fatal(
            "a column that the first rows did not have: declare it with `.column` or `.schema`",
        )
        .in_column(&**name)),
        None => Ok(conformed),
    }
}

/// Refuses a record batch with other columns than the file has.
pub(crate) fn check_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<()> {
    if Arc::ptr_eq(batch.schema_ref(), schema) || batch.schema_ref().fields() == schema.fields() {
        return Ok(());
    }
    let differs = batch
        .schema_ref()
        .fields()
        .iter()
        .zip(schema.fields())
        .find(|(is, was)| is != was)
        .map(|(is, was)| format!("{is} instead of {was}"));
    let differs = differs.unwrap_or_else(|| {
        format!("{} columns instead of {}", batch.num_columns(), schema.fields().len())
    });
    Err(Error::fatal(format!("a record batch has another schema than the file: {differs}")))
}
