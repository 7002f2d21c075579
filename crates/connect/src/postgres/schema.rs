//! The table: is it there, what are its columns, and how is it made.

use super::connection::{Connection, literal};
use super::failure::Failure;
use super::types::{Column, Type};
use crate::table::{Kind, check_names, definitions, quoted};
use std::borrow::Cow;
use trommel::Result;

/// A table, perhaps with its schema, as SQL takes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Name {
    schema: Option<String>,
    table: String,
}

/// What the user said of the table.
#[derive(Debug, Clone, Default)]
pub(super) struct Declared {
    pub(super) name: Name,
    /// Names and declarations, in order; a declaration may be empty.
    pub(super) columns: Vec<(String, String)>,
    pub(super) key: Vec<String>,
}

impl Name {
    /// `table` or `schema.table`, without quotes.
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once('.') {
            Some((schema, table)) => Name { schema: Some(schema.into()), table: table.into() },
            None => Name { schema: None, table: text.into() },
        }
    }

    /// Another table beside this one.
    pub(super) fn sibling(&self, table: &str) -> Self {
        Name { schema: self.schema.clone(), table: table.into() }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quoted(schema))?;
        }
        f.write_str(&quoted(&self.table))
    }
}

/// Domains are looked through to the type below them.
const COLUMNS: &str = "
    WITH RECURSIVE base AS (
        SELECT a.attnum, a.attname, a.atttypid AS type, a.atttypmod AS modifier,
            format_type(a.atttypid, a.atttypmod) AS declared
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attgenerated = ''
        UNION ALL
        SELECT b.attnum, b.attname, t.typbasetype,
            CASE WHEN b.modifier = -1 THEN t.typtypmod ELSE b.modifier END, b.declared
        FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type
        WHERE t.typtype = 'd'
    )
    SELECT b.attname, b.declared, t.typreceive::text, b.modifier, e.oid, e.typreceive::text
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typreceive::text = 'array_recv'
    WHERE t.typtype <> 'd'
    ORDER BY b.attnum";

/// Whether there is such a table (or view, or partitioned table).
pub(super) fn exists(connection: &mut Connection, name: &Name) -> Result<bool, Failure> {
    let answer = connection.run(&format!(
        "SELECT pg_catalog.to_regclass({}) IS NOT NULL",
        literal(&name.to_string())
    ))?;
    Ok(answer.first() == Some("t"))
}

/// The table with the schema that the server finds it in, or would make it in.
pub(super) fn resolved(connection: &mut Connection, name: &Name) -> Result<Name, Failure> {
    if name.schema.is_some() {
        return Ok(name.clone());
    }
    let answer = connection.run(&format!(
        "SELECT coalesce((SELECT n.nspname FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = pg_catalog.to_regclass({})), pg_catalog.current_schema())",
        literal(&name.to_string())
    ))?;
    Ok(Name { schema: answer.first().map(str::to_owned), table: name.table.clone() })
}

/// The columns that take values; `None` when there is no such table.
pub(super) fn columns_of(
    connection: &mut Connection,
    name: &Name,
) -> Result<Option<Vec<Column>>, Failure> {
    if !exists(connection, name)? {
        return Ok(None);
    }
    let answer = connection.run_with(COLUMNS, &[Some(&name.to_string())])?;
    let columns = answer.rows.into_iter().map(|row| {
        let mut cells = row.into_iter();
        let mut text = || cells.next().flatten();
        let (name, declared) = (text().unwrap_or_default(), text().unwrap_or_default());
        let (receiver, modifier) = (text().unwrap_or_default(), text());
        let modifier = modifier.and_then(|text| text.parse().ok()).unwrap_or(-1);
        let kind = match (text().and_then(|oid| oid.parse().ok()), text()) {
            (Some(oid), Some(element)) => {
                // The modifier of an array is that of its elements.
                let element = Box::new(Type::of_receiver(&element, modifier));
                Type::Array { element, oid }
            }
            _ => Type::of_receiver(&receiver, modifier),
        };
        Column { name, kind, declared }
    });
    Ok(Some(columns.collect()))
}

/// Whether a table stores every row whose values fit its columns: no constraint, no unique or
/// computed index, nothing that runs code of the user's, and only types whose values are fully
/// checked when they are encoded.
const TAKES_ALL: &str = "
    SELECT c.relkind = 'r' AND NOT c.relispartition AND NOT c.relhasrules AND NOT c.relhastriggers
        AND NOT c.relrowsecurity AND pg_catalog.current_setting('server_encoding') = 'UTF8'
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = c.oid)
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_index WHERE indrelid = c.oid
                AND (indisunique OR indisexclusion OR indexprs IS NOT NULL OR indpred IS NOT NULL))
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                AND (a.attnotnull OR a.atthasdef OR t.typtype <> 'b' OR t.typreceive::text NOT IN (
                    'boolrecv', 'int2recv', 'int4recv', 'int8recv', 'float4recv', 'float8recv',
                    'textrecv', 'varcharrecv', 'bpcharrecv', 'bytearecv', 'uuid_recv',
                    'date_recv', 'time_recv', 'timestamp_recv', 'timestamptz_recv')))
    FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.regclass";

/// Whether no row can be refused whose values fit.
pub(super) fn takes_all_rows(connection: &mut Connection, name: &Name) -> Result<bool, Failure> {
    let answer = connection.run_with(TAKES_ALL, &[Some(&name.to_string())])?;
    Ok(answer.first() == Some("t"))
}

impl Declared {
    /// What can be wrong before anything is asked.
    pub(super) fn check(&self) -> Result<()> {
        let names = self.columns.iter().map(|(name, _)| name).chain(&self.key);
        check_names(names.chain([&self.name.table]).chain(&self.name.schema))
    }

    /// Names of the declared columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// `CREATE TABLE` for records of these columns.
    pub(super) fn create(&self, learnt: &[(Cow<'static, str>, Kind)]) -> String {
        let same = |one: &str, other: &str| one == other;
        let columns = definitions(&self.columns, &self.key, learnt, same, type_of);
        format!("CREATE TABLE IF NOT EXISTS {} ({columns})", self.name)
    }
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint",
        Kind::Float => "double precision",
        Kind::Blob => "bytea",
        Kind::Text | Kind::Unknown | Kind::Mixed => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_what_was_declared_and_learns_the_rest() {
        let declared = Declared {
            name: Name::parse("air.odd \"name\""),
            columns: vec![
                ("id".into(), "text NOT NULL".into()),
                ("at".into(), "timestamptz DEFAULT now()".into()),
            ],
            key: vec!["id".into()],
        };
        let learnt = [("id".into(), Kind::Int), ("select".into(), Kind::Float)];
        assert_eq!(
            declared.create(&learnt),
            "CREATE TABLE IF NOT EXISTS \"air\".\"odd \"\"name\"\"\" (\"id\" text NOT NULL, \
             \"select\" double precision, \"at\" timestamptz DEFAULT now(), PRIMARY KEY (\"id\"))"
        );
    }
}
