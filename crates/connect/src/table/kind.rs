//! What type a column should be declared with, learnt from its values.

use super::{Columns, Page, Value};
use std::borrow::Cow;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Nothing but nulls.
    #[default]
    Unknown,
    /// Whole numbers.
    Int,
    /// Numbers, at least one of them a float.
    Float,
    /// Texts.
    Text,
    /// Bytes.
    Blob,
    /// Several of them.
    Mixed,
}

impl Kind {
    /// The columns of all rows of a page, in the order of the fields, each with its kind.
    ///
    /// `places` names the columns of tuples; without a name they are called by their number.
    ///
    /// ```
    /// # use trommel_connect::table::{Kind, Page, encode};
    /// let mut page = Page::default();
    /// encode(&mut page, &(1, None::<&str>))?;
    /// encode(&mut page, &(0.5, None::<&str>))?;
    /// let learnt = Kind::of_columns(&page, &["speed".to_string()]);
    /// assert_eq!(learnt, [("speed".into(), Kind::Float), ("2".into(), Kind::Unknown)]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn of_columns(page: &Page, places: &[String]) -> Vec<(Cow<'static, str>, Kind)> {
        let mut columns: Vec<(Cow<'static, str>, Kind)> = Vec::new();
        for rows in page.runs() {
            let width = rows.columns().len();
            let at: Vec<usize> = (0..width)
                .map(|index| {
                    let name = match (rows.columns(), places.get(index)) {
                        (Columns::Numbered(_), Some(name)) => Cow::Owned(name.clone()),
                        (columns, _) => columns.name(index),
                    };
                    let known = columns.iter().position(|(known, _)| *known == name);
                    known.unwrap_or_else(|| {
                        columns.push((name, Kind::Unknown));
                        columns.len() - 1
                    })
                })
                .collect();
            for (index, value) in rows.values(0, rows.len()).enumerate() {
                let kind = &mut columns[at[index % width]].1;
                *kind = kind.and(&value);
            }
        }
        columns
    }

    fn and(self, value: &Value<'_>) -> Kind {
        let other = match value {
            Value::Null => return self,
            Value::Int(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Text(_) => Kind::Text,
            Value::Blob(_) => Kind::Blob,
        };
        match (self, other) {
            (Kind::Unknown, other) => other,
            (one, other) if one == other => one,
            (Kind::Int, Kind::Float) | (Kind::Float, Kind::Int) => Kind::Float,
            _ => Kind::Mixed,
        }
    }
}
