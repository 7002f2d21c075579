//! The table: is it there, does the record fit, and how is it made.

use crate::table::{Columns, Kind, check_names, definitions, lacking};
pub(super) use crate::table::{list, quoted};
use rusqlite::{Connection, OptionalExtension};
use std::borrow::Cow;
use trommel::{Error, Result};

/// What the user said of the table.
#[derive(Debug, Clone, Default)]
pub(super) struct Declared {
    pub(super) table: String,
    /// Names and declarations, in order; a declaration may be empty.
    pub(super) columns: Vec<(String, String)>,
    pub(super) key: Vec<String>,
    pub(super) strict: bool,
}

/// SQLite compares names without regard to the case of ASCII letters.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The columns that a row can be inserted into; `None` when there is no such table.
pub(super) fn columns_of(
    connection: &Connection,
    table: &str,
) -> rusqlite::Result<Option<Vec<String>>> {
    // Hidden and generated columns take no values.
    let mut statement = connection.prepare("SELECT name, hidden FROM pragma_table_xinfo(?1)")?;
    let columns: Vec<(String, i64)> = statement
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((!columns.is_empty()).then(|| {
        let plain = columns.into_iter().filter(|(_, hidden)| *hidden == 0);
        plain.map(|(name, _)| name).collect()
    }))
}

/// The table that SQLite takes `table` for, as messages call it: with the name of its database, unless
/// that is the main one, where a table that is missing is made.
pub(super) fn resolved(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    // The temporary database first, then the others in the order of their numbers.
    let database: Option<String> = connection
        .query_row(
            "SELECT d.name FROM pragma_database_list AS d, pragma_table_xinfo(?1, d.name)
             ORDER BY d.seq <> 1, d.seq LIMIT 1",
            [table],
            |row| row.get(0),
        )
        .optional()?;
    Ok(match database.filter(|name| name != "main") {
        Some(database) => format!("{}.{}", quoted(&database), quoted(table)),
        None => quoted(table),
    })
}

impl Declared {
    /// What can be wrong before any row is seen.
    pub(super) fn check(&self) -> Result<()> {
        let names = self.columns.iter().map(|(name, _)| name);
        check_names(names.chain(&self.key).chain([&self.table]))
    }

    /// Names of the declared columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Whether the table has all columns of these names.
    pub(super) fn check_exist(&self, names: &[String], existing: &[String]) -> Result<()> {
        let unknown = |name: &&String| !existing.iter().any(|column| same(column, name));
        let missing: Vec<&String> = names.iter().filter(unknown).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(lacking(&format!("`{}`", self.table), &missing, existing)),
        }
    }

    /// `CREATE TABLE` for records of these columns.
    pub(super) fn create(&self, learnt: &[(Cow<'static, str>, Kind)]) -> String {
        let type_of = |kind| self.type_of(kind);
        let columns = definitions(&self.columns, &self.key, learnt, same, type_of);
        let strict = if self.strict { " STRICT" } else { "" };
        format!("CREATE TABLE {} ({columns}){strict}", quoted(&self.table))
    }

    fn type_of(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Int => "INTEGER",
            Kind::Float => "REAL",
            Kind::Text => "TEXT",
            Kind::Blob => "BLOB",
            Kind::Unknown | Kind::Mixed if self.strict => "ANY",
            Kind::Unknown | Kind::Mixed => "",
        }
    }

    /// The table's columns that rows of these columns go to, in the order of their values.
    pub(super) fn targets(&self, columns: &Columns, existing: &[String]) -> Result<Vec<String>> {
        let table = &self.table;
        let targets = match columns {
            Columns::Named(names) => names.iter().map(|name| name.to_string()).collect(),
            Columns::Numbered(count) => {
                let names = match self.columns.is_empty() {
                    true => existing.to_vec(),
                    false => self.names(),
                };
                if names.len() != *count {
                    return Err(Error::config(format!(
                        "column: the record is a tuple of {count}, but there are {} columns for \
                         it ({}): declare each (`column`), or give the fields names",
                        names.len(),
                        names.join(", ")
                    )));
                }
                names
            }
        };
        self.check_exist(&targets, existing)?;
        for (index, name) in targets.iter().enumerate() {
            if targets[..index].iter().any(|other| same(other, name)) {
                return Err(Error::config(format!(
                    "table: two fields of the record go to column `{name}` of `{table}`: names \
                     are compared without regard to case"
                )));
            }
        }
        Ok(targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_what_was_declared_and_learns_the_rest() {
        let declared = Declared {
            table: "odd \"name\"".into(),
            columns: vec![
                ("ID".into(), "TEXT NOT NULL".into()),
                ("at".into(), "DEFAULT CURRENT_TIMESTAMP".into()),
            ],
            key: vec!["id".into()],
            strict: false,
        };
        let learnt = [("id".into(), Kind::Int), ("select".into(), Kind::Float)];
        assert_eq!(
            declared.create(&learnt),
            "CREATE TABLE \"odd \"\"name\"\"\" (\"id\" TEXT NOT NULL, \"select\" REAL, \
             \"at\" DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (\"id\"))"
        );
    }
}
