//! The middle of a pipeline: which columns are read, what becomes of the rows.

use crate::transform::Transform;
use engine::{CancelToken, Error, Result};

/// How the field of a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As the source has it.
    Any,
    Text,
    Integer,
    Real,
    Boolean,
    Blob,
}

impl Kind {
    /// The kind that the first word of an SQL type names.
    pub(crate) fn of(declaration: &str) -> Result<Kind> {
        let word = declaration.split([' ', '\t', '\n', '(']).next().unwrap_or_default();
        Ok(match word.to_ascii_lowercase().as_str() {
            "any" => Kind::Any,
            "text" | "varchar" | "char" | "character" | "citext" | "uuid" | "inet" | "json"
            | "jsonb" | "date" | "time" | "timetz" | "timestamp" | "timestamptz" | "interval"
            | "numeric" | "decimal" => Kind::Text,
            "integer" | "int" | "bigint" | "smallint" | "int2" | "int4" | "int8" => Kind::Integer,
            "real" | "float" | "double" | "float4" | "float8" => Kind::Real,
            "boolean" | "bool" => Kind::Boolean,
            "blob" | "bytea" => Kind::Blob,
            _ => {
                return Err(Error::config(format!(
                    "type: `{word}` is unknown; it begins with TEXT, INTEGER, REAL, BOOLEAN, BLOB, a \
                     type of a database as VARCHAR, NUMERIC, DATE, TIMESTAMP, UUID or JSON, or ANY"
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
    /// The SQL type, perhaps with constraints; empty when none was given.
    pub(crate) declaration: String,
    pub(crate) kind: Kind,
}

impl Column {
    /// As the caller has declared it; without a declaration, of any kind.
    pub(crate) fn new(from: &str, to: &str, declaration: Option<&str>) -> Result<Self> {
        let declaration = declaration.unwrap_or_default().trim();
        let kind = if declaration.is_empty() { Kind::Any } else { Kind::of(declaration)? };
        let declaration = if kind == Kind::Any { "" } else { declaration };
        Ok(Column { from: from.into(), to: to.into(), declaration: declaration.into(), kind })
    }

    /// A column of a source, which keeps its name.
    pub(crate) fn of(name: &str, kind: Kind) -> Self {
        Column { from: name.into(), to: name.into(), declaration: String::new(), kind }
    }
}

#[cfg(feature = "connect")]
impl Column {
    /// The declaration, or that of a sink for the kind.
    pub(crate) fn declared_or<'a>(&'a self, own: &'a str) -> &'a str {
        if self.declaration.is_empty() { own } else { &self.declaration }
    }

    /// Whether it may be without a value.
    pub(crate) fn is_nullable(&self) -> bool {
        !self.declaration.to_ascii_uppercase().contains("NOT NULL")
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
