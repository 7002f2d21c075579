//! What a column does to the values that it is given.

use crate::verify::RowHash;
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// What a column turns values into (`https://sqlite.org/datatype3.html`, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    /// `INTEGER` and `NUMERIC`.
    Number,
    Real,
    Text,
    None,
}

impl Affinity {
    /// Of a column declared with this type; `strict` tables know `ANY`.
    pub(super) fn of(declared: &str, strict: bool) -> Self {
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
    pub(super) fn add(
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
pub(super) fn affinities(
    connection: &Connection,
    table: &str,
) -> rusqlite::Result<Vec<(String, Affinity)>> {
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
    use crate::verify::Digest;

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
