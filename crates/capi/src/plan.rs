//! The middle of a pipeline: which columns are read, what becomes of the rows.

use crate::transform::Transform;
use engine::{CancelToken, Error, Result};

/// How the field of a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Real,
    Boolean,
    Blob,
}

impl Kind {
    /// The kind that the first word of an SQL type names.
    pub(crate) fn of(declaration: &str) -> Result<Kind> {
        let word = declaration.split_ascii_whitespace().next().unwrap_or("TEXT");
        Ok(match word.to_ascii_lowercase().as_str() {
            "text" => Kind::Text,
            "integer" | "int" | "bigint" => Kind::Integer,
            "real" | "float" | "double" => Kind::Real,
            "boolean" | "bool" => Kind::Boolean,
            "blob" => Kind::Blob,
            _ => {
                return Err(Error::config(format!(
                    "type: `{word}` is unknown; it begins with TEXT, INTEGER, REAL, BOOLEAN or BLOB"
                )));
            }
        })
    }
}

/// A column, as the caller asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name in the source; empty for columns that a transform makes.
    pub(crate) from: String,
    /// Its name in the sink.
    pub(crate) to: String,
    /// The SQL type, perhaps with constraints.
    pub(crate) declaration: String,
    pub(crate) kind: Kind,
}

impl Column {
    pub(crate) fn new(from: &str, to: &str, declaration: Option<&str>) -> Result<Self> {
        let declaration = declaration.filter(|text| !text.is_empty()).unwrap_or("TEXT");
        let kind = Kind::of(declaration)?;
        Ok(Column { from: from.into(), to: to.into(), declaration: declaration.into(), kind })
    }
}

/// All that a worker needs to know of the middle.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Of each column that is read: its index in the source and how it is read.
    pub(crate) inputs: Vec<(usize, Kind)>,
    pub(crate) transform: Option<Transform>,
    /// The sink takes Arrow rows as they are.
    #[cfg(feature = "arrow")]
    pub(crate) keeps_arrow: bool,
    pub(crate) cancel: CancelToken,
}
