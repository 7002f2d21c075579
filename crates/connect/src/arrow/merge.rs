//! What two types have in common, and numbers in the units of another type.

use super::column::{Column, Values};
use super::types::{Decimal, decimal_digits};
use arrow_schema::{DataType, Field, TimeUnit};
use std::sync::Arc;
use trommel::{Error, Result};

/// The type that a pair of known types has in common, when one of them has parts that are unknown.
pub(crate) fn merge(one: &DataType, other: &DataType) -> Option<DataType> {
    match (one, other) {
        (one, other) if one == other => Some(one.clone()),
        (DataType::Null, known) | (known, DataType::Null) => Some(known.clone()),
        (DataType::List(a), DataType::List(b)) => Some(DataType::List(merge_fields(a, b)?)),
        (DataType::Map(a, sorted), DataType::Map(b, _)) => {
            Some(DataType::Map(merge_fields(a, b)?, *sorted))
        }
        (DataType::Struct(a), DataType::Struct(b)) => {
            let mut fields: Vec<Arc<Field>> = a.iter().cloned().collect();
            for field in b {
                match fields.iter_mut().find(|known| known.name() == field.name()) {
                    Some(known) => *known = merge_fields(known, field)?,
                    None => fields.push(Arc::clone(field)),
                }
            }
            Some(DataType::Struct(fields.into()))
        }
        _ => None,
    }
}

fn merge_fields(a: &Arc<Field>, b: &Arc<Field>) -> Option<Arc<Field>> {
    let kind = merge(a.data_type(), b.data_type())?;
    Some(Arc::new(a.as_ref().clone().with_data_type(kind)))
}

impl Column {
    /// Makes it a column of the type of `field`, which others of the same name have; what has not
    /// been seen here is null.
    pub(crate) fn conform(&mut self, field: &Field) -> Result<()> {
        if matches!(self.values, Values::Unknown) {
            return self.become_type(field);
        }
        let (rows, kind) = (self.len, self.data_type());
        match (&mut self.values, field.data_type()) {
            (Values::Struct(mine), DataType::Struct(fields)) => {
                let mut old = std::mem::take(mine);
                for field in fields {
                    let at = old.iter().position(|(name, _)| **name == **field.name());
                    let mut column = match at {
                        Some(at) => old.swap_remove(at).1,
                        None => Column::nulls(rows),
                    };
                    column.conform(field).map_err(|error| error.in_column(&**field.name()))?;
                    mine.push((Arc::from(field.name().as_str()), column));
                }
                match old.first() {
                    Some((name, _)) => Err(Error::fatal(format!(
                        "the field `{name}` came only after the schema was settled: declare the \
                         column with `.column` or `.schema`"
                    ))),
                    None => Ok(()),
                }
            }
            (Values::List(_, item, _), DataType::List(field)) => item.conform(field),
            (Values::Map(_, parts, _), DataType::Map(entries, _)) => match entries.data_type() {
                DataType::Struct(fields) => {
                    parts.0.conform(&fields[0])?;
                    parts.1.conform(&fields[1])
                }
                _ => Ok(()),
            },
            (_, wanted) if *wanted == kind => Ok(()),
            (_, wanted) => Err(Error::fatal(format!(
                "a {kind} where earlier rows had a {wanted}: declare the column's type with \
                 `.column` or `.schema`"
            ))),
        }
    }
}

/// A decimal in the units of a column, when it fits exactly.
pub(super) fn rescale(decimal: Decimal, precision: u8, scale: i8) -> Option<i128> {
    let by = i32::from(scale) - i32::from(decimal.scale);
    let factor = 10_i128.checked_pow(by.unsigned_abs())?;
    let value = match by {
        0.. => decimal.value.checked_mul(factor)?,
        _ if decimal.value % factor == 0 => decimal.value / factor,
        _ => return None,
    };
    (decimal_digits(value) <= u32::from(precision)).then_some(value)
}

/// Ticks of a unit in a second.
pub(super) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}
