//! `arrow:PATH`, both ways; and rows of columns, which Parquet shares with it.

use super::Ask;
#[cfg(feature = "arrow")]
use super::connected::opened;
use super::connected::{Cell, Cells, Decode, written};
#[cfg(feature = "arrow")]
use super::declared::{declare, layout};
#[cfg(feature = "arrow")]
use super::loaded::loaded;
#[cfg(feature = "arrow")]
use crate::parts::Opened;
use crate::plan::{Column, Kind};
#[cfg(feature = "arrow")]
use crate::sink;
use arrow_schema::{DataType, SchemaRef};
use engine::{Bump, Error, ErrorKind, Result};
use trommel_connect::arrow::{Date, Decimal, FromCell, Row, Timestamp};

/// Opens an IPC file or stream.
#[cfg(feature = "arrow")]
pub(super) fn source(ask: &Ask<'_>) -> Result<Opened> {
    let settings = ask.url.settings();
    settings.end()?;
    let source = super::opened_path!(trommel_connect::arrow::Source, &ask.url.path)?;
    let (shape, columns) = columns(source.schema(), ask.columns)?;
    Ok(opened(source, shape, columns))
}

/// Opens a file to be written.
#[cfg(feature = "arrow")]
pub(super) fn sink(ask: &Ask<'_>) -> Result<sink::Sink> {
    use trommel_connect::arrow::{Compression, Sink};
    let mut settings = ask.url.settings();
    let mut sink = Sink::create(&ask.url.path);
    let compression = settings.read("compression", "none, lz4 or zstd", |text| match text {
        "none" => Some(Compression::None),
        "lz4" => Some(Compression::Lz4),
        "zstd" => Some(Compression::Zstd),
        _ => None,
    })?;
    if let Some(compression) = compression {
        sink = sink.compression(compression);
    }
    let is_stream = settings.read("format", "file or stream", |text| match text {
        "file" => Some(false),
        "stream" => Some(true),
        _ => None,
    })?;
    if is_stream == Some(true) {
        sink = sink.stream();
    }
    if let Some(rows) = settings.number("batch_rows")? {
        sink = sink.batch_rows(rows);
    }
    super::rolled!(sink, settings);
    settings.end()?;
    declare!(sink, ask);
    Ok(loaded(sink, layout(ask.columns)))
}

/// How the values of a column are had.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Integer,
    Real,
    Boolean,
    Text,
    Bytes,
    Date,
    Timestamp,
    Decimal,
    /// Not at all; fine unless it is asked for.
    Other,
}

impl Form {
    fn of(kind: &DataType) -> Self {
        match kind {
            kind if kind.is_integer() => Form::Integer,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Form::Real,
            DataType::Boolean => Form::Boolean,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Form::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Form::Bytes,
            DataType::Date32 => Form::Date,
            DataType::Timestamp(..) => Form::Timestamp,
            DataType::Decimal128(..) => Form::Decimal,
            DataType::Dictionary(_, value) => Form::of(value),
            _ => Form::Other,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Form::Integer => Kind::Integer,
            Form::Real => Kind::Real,
            Form::Boolean => Kind::Boolean,
            Form::Bytes | Form::Other => Kind::Blob,
            Form::Text | Form::Date | Form::Timestamp | Form::Decimal => Kind::Text,
        }
    }
}

/// The columns of a schema. Those that can't be read are an error if they are wanted.
pub(super) fn columns(schema: &SchemaRef, wanted: &[Column]) -> Result<(Vec<Form>, Vec<Column>)> {
    let mut forms = Vec::new();
    let mut columns = Vec::new();
    for field in schema.fields() {
        let form = Form::of(field.data_type());
        let is_wanted =
            wanted.is_empty() || wanted.iter().any(|column| column.from == *field.name());
        if is_wanted && matches!(form, Form::Other) {
            let message = format!(
                "the column is of type {}; numbers, booleans, texts, bytes, dates, timestamps and \
                 decimals can be read: choose columns with trommel_pipeline_column",
                field.data_type()
            );
            let error = Error::new(ErrorKind::Unsupported, message);
            return Err(error.in_column(field.name().as_str()));
        }
        forms.push(form);
        columns.push(Column::of(field.name(), form.kind()));
    }
    Ok((forms, columns))
}

#[inline]
fn read<'a>(
    row: &Row<'a>,
    forms: &[Form],
    index: usize,
    kind: Kind,
    arena: &'a Bump,
) -> Result<Cell<'a>> {
    fn get<'a, T: FromCell<'a>>(row: &Row<'a>, index: usize) -> Result<Option<T>> {
        row.get::<Option<T>>(index)
    }
    let form = forms.get(index).copied().unwrap_or(Form::Other);
    Ok(match (kind, form) {
        (Kind::Integer, _) | (Kind::Any, Form::Integer) => get::<i64>(row, index)?.into(),
        (Kind::Real, _) | (Kind::Any, Form::Real) => get::<f64>(row, index)?.into(),
        (Kind::Boolean, _) | (Kind::Any, Form::Boolean) => get::<bool>(row, index)?.into(),
        (Kind::Blob, _) | (Kind::Any, Form::Bytes) => get::<&[u8]>(row, index)?.into(),
        (_, Form::Date) => match get::<Date>(row, index)? {
            Some(date) => written(arena, format_args!("{date}")),
            None => Cell::Null,
        },
        (_, Form::Timestamp) => match get::<Timestamp>(row, index)? {
            Some(timestamp) => written(arena, format_args!("{timestamp}")),
            None => Cell::Null,
        },
        (_, Form::Decimal) => match get::<Decimal>(row, index)? {
            Some(decimal) => written(arena, format_args!("{decimal}")),
            None => Cell::Null,
        },
        (_, Form::Integer) => match get::<i64>(row, index)? {
            Some(number) => written(arena, format_args!("{number}")),
            None => Cell::Null,
        },
        (_, Form::Real) => match get::<f64>(row, index)? {
            Some(number) => written(arena, format_args!("{number:?}")),
            None => Cell::Null,
        },
        (_, Form::Boolean) => match get::<bool>(row, index)? {
            Some(flag) => written(arena, format_args!("{flag}")),
            None => Cell::Null,
        },
        _ => get::<&str>(row, index)?.into(),
    })
}

macro_rules! decode {
    ($batch:ty) => {
        impl Decode for $batch {
            type Shape = Vec<Form>;

            #[inline]
            fn read(
                row: &Row<'_>,
                forms: &Vec<Form>,
                (index, kind): (usize, Kind),
                arena: &Bump,
                cells: &mut impl Cells,
            ) -> Result<()> {
                cells.put(read(row, forms, index, kind, arena)?)
            }
        }
    };
}
#[cfg(feature = "arrow")]
decode!(trommel_connect::arrow::Batch);
#[cfg(feature = "parquet")]
decode!(trommel_connect::parquet::Batch);
