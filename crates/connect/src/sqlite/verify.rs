//! Reading back: whether a table holds what was given to it.
//!
//! What a column does to a value depends on the column: `1`, `1.0` and `"1"` are one and the same in
//! a column of type `INTEGER`, and three things in one without a type. So values are compared as
//! their column stores them.

use super::error::{Place, explain};
use super::schema::{list, quoted, same};
use crate::table::{Rows, Value};
use crate::verify::{Digest, RowHash};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use trommel::{Checkpoint, Error, Result};

/// What a column turns values into (`https://sqlite.org/datatype3.html`, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    /// `INTEGER` and `NUMERIC`.
    Number,
    Real,
    Text,
    None,
}

/// One load's digests, of the columns that its records have.
#[derive(Debug)]
pub(super) struct Verify {
    table: String,
    columns: Vec<(String, Affinity)>,
    /// What the table held before the first row.
    before: Digest,
    /// What it was given.
    given: Digest,
}

/// What a job's later runs must know.
#[derive(Debug, Serialize, Deserialize)]
struct Carried {
    before: Digest,
    given: Digest,
    columns: Vec<String>,
    /// Rows that the job had read when this was stored, which tells whether it is the checkpoint's.
    read: u64,
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS trommel_digest (
    job TEXT PRIMARY KEY,
    digest TEXT NOT NULL
)";

impl Verify {
    /// Begins with what is in the table. Inside the transaction of the first rows.
    pub(super) fn new(
        connection: &Connection,
        place: &Place,
        table: &str,
        columns: &[String],
    ) -> Result<Self> {
        let affinities = affinities(connection, table)
            .map_err(|error| explain(place, "its columns can't be read", error))?;
        let columns = columns.iter().map(|name| {
            let known = affinities.iter().find(|(known, _)| same(known, name));
            (name.clone(), known.map_or(Affinity::None, |(_, affinity)| *affinity))
        });
        let mut verify = Verify {
            table: table.to_owned(),
            columns: columns.collect(),
            before: Digest::default(),
            given: Digest::default(),
        };
        verify.before = verify.read(connection, place)?;
        Ok(verify)
    }

    /// Goes on where the job's earlier runs have stopped; `None` when nothing is stored of them.
    pub(super) fn resume(
        connection: &Connection,
        place: &Place,
        table: &str,
        job: &str,
        stored: Option<&Checkpoint>,
    ) -> Result<Option<Self>> {
        let failed = |error| explain(place, "the job's digest can't be read", error);
        connection.execute_batch(CREATE).map_err(failed)?;
        let Some(checkpoint) = stored.filter(|checkpoint| !checkpoint.finished) else {
            return Ok(None);
        };
        let text: Option<String> = connection
            .query_row("SELECT digest FROM trommel_digest WHERE job = ?1", [job], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        let carried = text.and_then(|text| serde_json::from_str::<Carried>(&text).ok());
        match carried {
            Some(carried) if carried.read == checkpoint.counts.read => {
                if carried.columns.is_empty() {
                    return Ok(None);
                }
                let affinities = affinities(connection, table).map_err(failed)?;
                let columns = carried.columns.into_iter().map(|name| {
                    let known = affinities.iter().find(|(known, _)| same(known, &name));
                    let affinity = known.map_or(Affinity::None, |(_, affinity)| *affinity);
                    (name, affinity)
                });
                Ok(Some(Verify {
                    table: table.to_owned(),
                    columns: columns.collect(),
                    before: carried.before,
                    given: carried.given,
                }))
            }
            _ => Err(Error::config(format!(
                "verify: job `{job}` has loaded rows without it, so there is no digest to compare \
                 with: finish the job without `verify`, or load it from the start as another job"
            ))),
        }
    }

    /// Stores what later runs must know, with the checkpoint.
    pub(super) fn store(
        verify: Option<&Verify>,
        connection: &Connection,
        job: &str,
        checkpoint: &Checkpoint,
    ) -> rusqlite::Result<()> {
        let (before, given) =
            verify.map_or_else(Default::default, |verify| (verify.before, verify.given));
        let columns = verify.into_iter().flat_map(|verify| &verify.columns);
        let carried = Carried {
            before,
            given,
            columns: columns.map(|(name, _)| name.clone()).collect(),
            read: checkpoint.counts.read,
        };
        let text = serde_json::to_string(&carried)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        connection
            .prepare_cached(
                "INSERT INTO trommel_digest VALUES (?1, ?2)
                 ON CONFLICT (job) DO UPDATE SET digest = excluded.digest",
            )?
            .execute(params![job, text])
            .map(drop)
    }

    /// Refuses records of other columns than the first one's.
    pub(super) fn check(&self, targets: &[String]) -> Result<()> {
        let known = self.columns.iter().map(|(name, _)| name);
        if known.clone().eq(targets) {
            return Ok(());
        }
        Err(Error::config(format!(
            "verify: all records must have the same columns in the same order; these have {}, those \
             before {}",
            list(targets),
            list(&known.collect::<Vec<_>>())
        )))
    }

    /// Adds the rows that the table has taken: all but those whose index in the page, which for the
    /// first one is `base`, is among the `faults`.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        place: &Place,
        rows: &Rows<'_>,
        base: usize,
        faults: &[(usize, Error)],
    ) -> Result<()> {
        for row in 0..rows.len() {
            if faults.iter().any(|(fault, _)| *fault == base + row) {
                continue;
            }
            let mut hash = RowHash::new();
            for ((_, affinity), value) in self.columns.iter().zip(rows.row(row)) {
                let value = match value {
                    Value::Null => ValueRef::Null,
                    Value::Int(number) => ValueRef::Integer(number),
                    Value::Float(number) => ValueRef::Real(number),
                    Value::Text(text) => ValueRef::Text(text.as_bytes()),
                    Value::Blob(bytes) => ValueRef::Blob(bytes),
                };
                affinity
                    .add(connection, &mut hash, value)
                    .map_err(|error| explain(place, "a value can't be converted", error))?;
            }
            self.given.add(&hash);
        }
        Ok(())
    }

    /// Compares what was given with what is there.
    pub(super) fn conclude(&self, connection: &Connection, place: &Place) -> Result<()> {
        let found = self.read(connection, place)?;
        let expected = self.before.plus(self.given);
        if found == expected {
            return Ok(());
        }
        let table = &self.table;
        let before = match self.before.rows() {
            0 => String::new(),
            _ => format!(", {} of them from before the load", self.before),
        };
        Err(Error::fatal(format!(
            "verify: table `{table}` of {place} should hold {expected}{before}; it holds {found}: a \
             trigger or another connection has changed rows, a NULL key was filled in, or the file \
             is damaged (`PRAGMA integrity_check`)"
        )))
    }

    /// The digest of the whole table.
    fn read(&self, connection: &Connection, place: &Place) -> Result<Digest> {
        let names: Vec<&String> = self.columns.iter().map(|(name, _)| name).collect();
        let read = || {
            let sql = format!("SELECT {} FROM {}", list(&names), quoted(&self.table));
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut digest = Digest::default();
            while let Some(row) = rows.next()? {
                let mut hash = RowHash::new();
                for (index, (_, affinity)) in self.columns.iter().enumerate() {
                    affinity.add(connection, &mut hash, row.get_ref(index)?)?;
                }
                digest.add(&hash);
            }
            Ok(digest)
        };
        read().map_err(|error| explain(place, "the table can't be read back", error))
    }
}

impl Affinity {
    /// Of a column declared with this type; `strict` tables know `ANY`.
    fn of(declared: &str, strict: bool) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |part: &str| declared.contains(part);
        if has("INT") {
            Affinity::Number
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Affinity::Text
        } else if has("BLOB") || declared.is_empty() || (strict && declared == "ANY") {
            Affinity::None
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Affinity::Real
        } else {
            Affinity::Number
        }
    }

    /// Adds a value as the column stores it. The same for values given and values read back.
    fn add(
        self,
        connection: &Connection,
        hash: &mut RowHash,
        value: ValueRef<'_>,
    ) -> rusqlite::Result<()> {
        match (self, value) {
            (_, ValueRef::Null) => hash.null(),
            (_, ValueRef::Blob(bytes)) => hash.blob(bytes),
            // SQLite has no such number and stores NULL.
            (_, ValueRef::Real(number)) if number.is_nan() => hash.null(),
            (Affinity::Number | Affinity::None, ValueRef::Integer(number)) => hash.int(number),
            (Affinity::Real, ValueRef::Integer(number)) => add_number(hash, number as f64),
            (Affinity::Number | Affinity::Real, ValueRef::Real(number)) => add_number(hash, number),
            (Affinity::None, ValueRef::Real(number)) => hash.float(number),
            (Affinity::None | Affinity::Text, ValueRef::Text(text)) => hash.text(text),
            // SQLite's own conversions, since no other one has to agree in the last digit.
            (Affinity::Text, ValueRef::Integer(_) | ValueRef::Real(_)) => {
                let mut cast = connection.prepare_cached("SELECT CAST(?1 AS TEXT)")?;
                cast.query_row([ToSqlOutput::Borrowed(value)], |row| {
                    hash.text(row.get_ref(0)?.as_bytes()?);
                    Ok(())
                })?;
            }
            (Affinity::Number | Affinity::Real, ValueRef::Text(text)) if !is_number(text) => {
                hash.text(text);
            }
            (Affinity::Number | Affinity::Real, ValueRef::Text(_)) => {
                let mut cast = connection.prepare_cached("SELECT CAST(?1 AS NUMERIC)")?;
                cast.query_row([ToSqlOutput::Borrowed(value)], |row| {
                    self.add(connection, hash, row.get_ref(0)?)
                })?;
            }
        }
        Ok(())
    }
}

/// A whole number is the same whether it is stored as a float or not.
fn add_number(hash: &mut RowHash, number: f64) {
    let whole = number as i64;
    if whole as f64 == number && whole != i64::MAX { hash.int(whole) } else { hash.float(number) }
}

/// Whether SQLite takes a text for a number: digits with a sign, a point and an exponent, and spaces
/// around them.
fn is_number(text: &[u8]) -> bool {
    // A vertical tab is a space as well, here only.
    let is_space = |byte: &u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let start = text.iter().take_while(|byte| is_space(byte)).count();
    let end = text[start..].iter().rev().take_while(|byte| is_space(byte)).count();
    let text = &text[start..text.len() - end];
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    let mut rest = &text[whole..];
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix(b".") {
        fraction = digits(after);
        rest = &after[fraction..];
    }
    if whole + fraction == 0 {
        return false;
    }
    if let Some(after) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let sign = after.strip_prefix(b"-").or_else(|| after.strip_prefix(b"+"));
        let after = sign.unwrap_or(after);
        let exponent = digits(after);
        if exponent == 0 {
            return false;
        }
        rest = &after[exponent..];
    }
    rest.is_empty()
}

/// The columns of a table, each with what it does to values.
fn affinities(connection: &Connection, table: &str) -> rusqlite::Result<Vec<(String, Affinity)>> {
    let strict = connection
        .query_row("SELECT max(strict) FROM pragma_table_list(?1)", [table], |row| {
            row.get::<_, Option<bool>>(0)
        })?
        .unwrap_or(false);
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_xinfo(?1)")?;
    statement
        .query_map([table], |row| {
            Ok((row.get(0)?, Affinity::of(&row.get::<_, String>(1)?, strict)))
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_column_stores_has_the_digest_of_what_it_was_given() {
        let types = ["INTEGER", "REAL", "TEXT", "NUMERIC", "", "BLOB", "DATETIME", "VARCHAR(9)"];
        let floats = [0.0, -0.0, 0.1 + 0.2, 1e300, -7.0, 9e18, 1e19, f64::INFINITY, f64::NAN];
        let texts = [
            "",
            " ",
            "1",
            " 1 ",
            "1.0",
            "007",
            "+7",
            "1e3",
            "1e",
            ".5",
            "5.",
            ".",
            "-",
            "0x10",
            "12345678901234567890",
            "0.1",
            "1.7976931348623157e308",
            "1e999",
            "3.141592653589793",
            "9007199254740993",
            "inf",
            "nan",
            "1 2",
            "a\0b",
            "\u{b}8\u{c}",
            "\u{a0}1",
            "\t8\n",
        ];
        let mut values = vec![ValueRef::Null, ValueRef::Blob(b"1"), ValueRef::Blob(b"\xff\0")];
        values
            .extend([0, 1, -1, i64::MAX, i64::MIN, 1 << 53, (1 << 53) + 1].map(ValueRef::Integer));
        values.extend(floats.map(ValueRef::Real));
        values.extend(texts.map(|text| ValueRef::Text(text.as_bytes())));
        for declared in types {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(&format!("CREATE TABLE t (a {declared})")).unwrap();
            let affinity = affinities(&connection, "t").unwrap()[0].1;
            for value in &values {
                connection.execute("DELETE FROM t", []).unwrap();
                connection
                    .execute("INSERT INTO t VALUES (?1)", [ToSqlOutput::Borrowed(*value)])
                    .unwrap();
                let hash = |value: ValueRef<'_>| {
                    let (mut hash, mut digest) = (RowHash::new(), Digest::default());
                    affinity.add(&connection, &mut hash, value).unwrap();
                    digest.add(&hash);
                    digest
                };
                let given = hash(*value);
                let select = connection.query_row("SELECT a FROM t", [], |row| {
                    let stored = row.get_ref(0)?;
                    assert_eq!(hash(stored), given, "{declared}: {value:?} became {stored:?}");
                    Ok(())
                });
                select.unwrap();
            }
        }
    }
}
