//! Columns as columnar files have them, by what was declared.

use super::record::Layout;
use crate::plan::{Column, Kind};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use engine::{Error, ErrorKind, Result};
use std::sync::Arc;

/// Gives a sink its columns: all of them, or the types of those that have one.
macro_rules! declare {
    ($sink:ident, $ask:ident) => {
        match crate::parts::declared::schema($ask.columns)? {
            Some(schema) => $sink = $sink.schema(schema),
            None => {
                for column in $ask.columns {
                    if let Some(kind) = crate::parts::declared::data_type(column)? {
                        $sink = $sink.column(&column.to, kind);
                    }
                }
            }
        }
    };
}
pub(super) use declare;

/// The type that a column is stored as; `None` when its values tell.
pub(super) fn data_type(column: &Column) -> Result<Option<DataType>> {
    if let Some(kind) = decimal(&column.declaration) {
        return Ok(Some(kind));
    }
    if let Some(kind) = moment(&column.declaration) {
        return Ok(Some(kind));
    }
    let words = words(&column.declaration);
    if words.first().is_some_and(|word| ["time", "timetz", "interval"].contains(&word.as_str())) {
        let message = format!(
            "type: `{}` is not written to columnar files: declare the column TEXT, or as INTEGER with \
             a number",
            column.declaration
        );
        return Err(Error::new(ErrorKind::Unsupported, message).in_column(column.to.as_str()));
    }
    Ok(match column.kind {
        Kind::Any => None,
        Kind::Text => Some(DataType::Utf8),
        Kind::Integer => Some(DataType::Int64),
        Kind::Real => Some(DataType::Float64),
        Kind::Boolean => Some(DataType::Boolean),
        Kind::Blob => Some(DataType::Binary),
    })
}

/// The words of a declaration, in small letters.
fn words(declaration: &str) -> Vec<String> {
    let words = declaration.split([' ', '\t', '\n', '(']).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

/// `DATE`, `TIMESTAMP`, `TIMESTAMP WITH TIME ZONE` and the like.
fn moment(declaration: &str) -> Option<DataType> {
    let words = words(declaration);
    let has_zone = words.windows(3).any(|words| words == ["with", "time", "zone"]);
    let timestamp =
        |has_zone: bool| DataType::Timestamp(TimeUnit::Microsecond, has_zone.then(|| "UTC".into()));
    match words.first()?.as_str() {
        "date" => Some(DataType::Date32),
        "timestamp" => Some(timestamp(has_zone)),
        "timestamptz" => Some(timestamp(true)),
        _ => None,
    }
}

/// `DECIMAL(10, 2)` and the like.
fn decimal(declaration: &str) -> Option<DataType> {
    let (word, rest) = declaration.split_once('(')?;
    if !matches!(word.trim().to_ascii_lowercase().as_str(), "decimal" | "numeric") {
        return None;
    }
    let (digits, _) = rest.split_once(')')?;
    let (precision, scale) = digits.split_once(',').unwrap_or((digits, "0"));
    Some(DataType::Decimal128(precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

/// The schema, if all columns have a type.
pub(super) fn schema(columns: &[Column]) -> Result<Option<SchemaRef>> {
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        match data_type(column)? {
            Some(kind) => fields.push(Field::new(&column.to, kind, column.is_nullable())),
            None => return Ok(None),
        }
    }
    Ok(Some(Arc::new(Schema::new(fields))))
}

/// By place when the sink has a schema, else by name.
pub(super) fn layout(columns: &[Column]) -> Layout {
    match columns.iter().all(|column| column.kind != Kind::Any) {
        true => Layout::by_place(columns),
        false => Layout::by_name(columns),
    }
}
