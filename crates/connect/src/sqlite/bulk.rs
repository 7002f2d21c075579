//! Rows of plain tables, handed to SQLite many at once.
//!
//! A table without keys, indexes, checks and triggers takes any row, and each value in it has one
//! form, so there is nothing for SQLite to decide. Such rows are gathered in an [`Image`], which is
//! attached for the rest of the transaction, and `INSERT INTO … SELECT *` copies them as they are.
//! SQLite itself does the copying, into the pages and the journal of the transaction, so a kill or a
//! full disk means what it always does.
//!
//! Whatever is not as plain goes the usual way, through [`Insert`](super::insert::Insert).

use super::affinity::Affinity;
use super::image::Image;
use super::schema::{quoted, same};
use crate::table::{Rows, Value};
use rusqlite::Connection;

/// Rows that are worth an image.
const FEW: usize = 512;
/// An image is handed over when it has this many bytes.
const BYTES: usize = 4 << 20;
/// Images in one transaction: SQLite attaches no more than ten databases, and lets go of none before
/// the transaction ends. What comes then is bound, unless the transaction may end.
const IMAGES: usize = 8;

/// What makes a table one that has to look at its rows. A name in which such a word occurs costs
/// nothing but time.
const DECIDES: [&str; 8] =
    ["autoincrement", "check", "generated", "primary", "references", "strict", "unique", "without"];

/// Rows on their way into one table.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    image: Image,
    /// The table, once rows of this transaction have been taken or might have been.
    plain: Option<Plain>,
    /// No more are taken in this transaction.
    is_closed: bool,
    /// Databases that are attached for this transaction; the last one is for the image.
    attached: usize,
    /// The image is in its database.
    is_handed_over: bool,
}

/// A table without decisions, and which of a record's values go to its columns.
#[derive(Debug)]
struct Plain {
    table: String,
    /// As the schema has it.
    sql: String,
    columns: Vec<Column>,
    /// The kind of records, by the number of their statements.
    kind: usize,
}

#[derive(Debug)]
struct Column {
    affinity: Affinity,
    takes_null: bool,
    /// Index of its value in the record.
    value: usize,
}

impl Bulk {
    /// Takes rows of `kind`, whose values go to the columns `targets`; `false` when they must be
    /// bound, after [`flush`](Self::flush) for the sake of the order.
    ///
    /// None of them is taken when handing over those before fails.
    pub(super) fn take(
        &mut self,
        connection: &mut Connection,
        table: &str,
        (kind, targets): (usize, &[String]),
        rows: &Rows<'_>,
    ) -> rusqlite::Result<bool> {
        if self.image.bytes() >= BYTES || self.is_handed_over {
            self.flush(connection)?;
        }
        if self.is_closed || self.plain.is_none() && rows.len() < FEW {
            return Ok(false);
        }
        if self.plain.is_none() {
            self.plain = Plain::of(connection, table, (kind, targets))?;
        }
        let is_taken = match &self.plain {
            Some(plain) if plain.kind == kind => {
                (!self.image.is_empty() || attach(&mut self.attached, connection))
                    && plain.encode(&mut self.image, rows)
            }
            _ => false,
        };
        self.is_closed = !is_taken;
        Ok(is_taken)
    }

    /// Whether the transaction had better end, because what comes next has to be bound.
    pub(super) fn is_full(&self) -> bool {
        self.attached == IMAGES && self.image.bytes() >= BYTES
    }

    /// Hands over what was taken. After an error it can be called again.
    pub(super) fn flush(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        let Some(plain) = self.plain.as_ref().filter(|_| !self.image.is_empty()) else {
            return Ok(());
        };
        let database = name(self.attached - 1);
        if !self.is_handed_over {
            let file = self.image.finish();
            connection.deserialize_read_exact(database.as_str(), file, file.len(), true)?;
            self.is_handed_over = true;
        }
        window!("sqlite: rows handed over, before they are copied");
        // No list of columns and no condition: only then rows are copied as they are.
        let table = quoted(&plain.table);
        let sql = format!("INSERT INTO main.{table} SELECT * FROM {database}.{table}");
        connection.execute(&sql, [])?;
        window!("sqlite: rows copied, before COMMIT");
        self.image.clear();
        self.is_handed_over = false;
        Ok(())
    }

    /// The transaction has ended, one way or the other: what it took is thrown away.
    pub(super) fn end(&mut self, connection: &Connection) {
        for index in 0..std::mem::take(&mut self.attached) {
            // One that stays only costs its memory, and closes this way.
            _ = connection.execute_batch(&format!("DETACH {}", name(index)));
        }
        self.image.clear();
        self.plain = None;
        self.is_closed = false;
        self.is_handed_over = false;
    }
}

fn name(index: usize) -> String {
    format!("trommel_rows_{index}")
}

/// Attaches a database for the next image, if there may be one.
fn attach(attached: &mut usize, connection: &Connection) -> bool {
    let sql = format!("ATTACH ':memory:' AS {}", name(*attached));
    let is_attached = *attached < IMAGES && connection.execute_batch(&sql).is_ok();
    *attached += usize::from(is_attached);
    is_attached
}

impl Plain {
    /// `None` when the table has to look at rows, or a record lacks one of its columns.
    fn of(
        connection: &Connection,
        table: &str,
        (kind, targets): (usize, &[String]),
    ) -> rusqlite::Result<Option<Self>> {
        let is_seen_as_it_is: bool = connection.query_row(
            "SELECT encoding = 'UTF-8' AND NOT EXISTS (
                 SELECT 1 FROM sqlite_temp_schema WHERE tbl_name = ?1 COLLATE NOCASE
             ) FROM pragma_encoding",
            [table],
            |row| row.get(0),
        )?;
        // An index or a trigger is a second entry.
        let mut entries = connection.prepare(
            "SELECT name, coalesce(sql, '') FROM main.sqlite_schema
             WHERE tbl_name = ?1 COLLATE NOCASE LIMIT 2",
        )?;
        let entries: Vec<(String, String)> = entries
            .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let Ok([(table, sql)]) = <[_; 1]>::try_from(entries) else { return Ok(None) };
        let words = sql.to_ascii_lowercase();
        if !is_seen_as_it_is
            || !words.starts_with("create table")
            || DECIDES.iter().any(|word| words.contains(word))
        {
            return Ok(None);
        }
        let mut columns = connection.prepare(
            "SELECT name, type, \"notnull\", hidden FROM pragma_table_xinfo(?1, 'main')",
        )?;
        let columns = columns.query_map([&table], |row| {
            let name: String = row.get(0)?;
            let is_hidden: bool = row.get(3)?;
            let value = targets.iter().position(|target| same(target, &name));
            Ok(value.filter(|_| !is_hidden).map(|value| Column {
                affinity: Affinity::of(&row.get_unwrap::<_, String>(1), false),
                takes_null: !row.get_unwrap::<_, bool>(2),
                value,
            }))
        })?;
        let columns: Option<Vec<Column>> = columns.collect::<rusqlite::Result<_>>()?;
        Ok(columns.map(|columns| Plain { table, sql, columns, kind }))
    }

    /// Writes the rows, or none of them when one is not as plain as the table.
    fn encode(&self, image: &mut Image, rows: &Rows<'_>) -> bool {
        if image.is_empty() && !image.begin(&self.table, &self.sql) {
            return false;
        }
        let start = image.mark();
        let mut values = Vec::with_capacity(self.columns.len());
        let is_written = (0..rows.len()).all(|row| {
            values.clear();
            values.extend(rows.row(row));
            image.begin_row();
            let is_plain = self.columns.iter().all(|column| {
                let value = values[column.value];
                (column.takes_null || !is_null(value)) && image.push(column.affinity, value)
            });
            is_plain && image.end_row()
        });
        if !is_written {
            image.rewind(start);
        }
        is_written
    }
}

/// Whether SQLite stores NULL.
#[inline]
fn is_null(value: Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Float(number) => number.is_nan(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Page, encode};

    #[test]
    fn the_image_is_sound_and_its_rows_are_copied_without_a_look() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE T (b TEXT, a INTEGER NOT NULL)").unwrap();
        let targets = ["a".to_owned(), "b".to_owned()];
        // One leaf; then so many that there is a root above them.
        for (rows, length) in [(600, 5), (20_000, 70)] {
            let mut page = Page::default();
            for id in 0..rows {
                encode(&mut page, &(id, format!("{id:length$}"))).unwrap();
            }
            let mut bulk = Bulk::default();
            let run = page.runs().next().unwrap();
            assert!(bulk.take(&mut connection, "t", (0, &targets), &run).unwrap());
            bulk.flush(&mut connection).unwrap();
            let count = "SELECT count(*) FROM t WHERE length(b) = ?1 AND CAST(b AS INT) = a";
            let count: i64 =
                connection.query_row(count, [length as i64], |row| row.get(0)).unwrap();
            assert_eq!(count, rows);
            let check = "PRAGMA trommel_rows_0.integrity_check";
            let check: String = connection.query_row(check, [], |row| row.get(0)).unwrap();
            assert_eq!(check, "ok");
            let explain = "EXPLAIN INSERT INTO main.t SELECT * FROM trommel_rows_0.t";
            let mut explain = connection.prepare(explain).unwrap();
            let steps = explain.query_map([], |row| row.get::<_, String>(1)).unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(!steps.iter().any(|step| step == "MakeRecord"), "{steps:?}");
            drop(explain);
            bulk.end(&connection);
        }
    }
}
