//! How rows get into the table: straight, or through a staging table.

use super::connection::Connection;
use super::encode::Plan;
use super::failure::Failure;
use super::schema::Name;
use crate::table::{Mode, list, quoted};
use trommel::{Error, Result};

/// What binary `COPY` begins with: a signature, flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// The ways into the table that rows of this load take: columns, in the order of the values.
#[derive(Debug, Default)]
pub(super) struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    columns: Vec<u16>,
    copy: String,
    /// Makes the staging table, and moves its rows on.
    staged: Option<(String, String)>,
}

/// What is loaded, and how.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) table: Name,
    pub(super) mode: Mode,
    pub(super) key: Vec<String>,
    pub(super) binary: bool,
    /// One `COPY` goes on over many pages, since the table has no reason to refuse a row, or since
    /// a refused row ends the run anyway.
    pub(super) streams: bool,
}

impl Routes {
    /// The number of the route over these columns, made when it is new.
    pub(super) fn find(&mut self, columns: &[u16], copy: &Copy, plan: &Plan) -> Result<usize> {
        if let Some(known) = self.0.iter().position(|route| route.columns == columns) {
            return Ok(known);
        }
        let names: Vec<&str> =
            columns.iter().map(|column| &*plan.columns[usize::from(*column)].name).collect();
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(Error::config(format!(
                    "table: two fields of the record go to column `{name}` of {}",
                    copy.table
                )));
            }
        }
        let number = self.0.len();
        self.0.push(copy.route(number, columns, &names, plan)?);
        Ok(number)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Makes the staging table of a route, if it has one and the table isn't there.
    pub(super) fn stage(&self, route: usize) -> Option<&str> {
        self.0[route].staged.as_ref().map(|(make, _)| make.as_str())
    }
}

impl Copy {
    fn route(&self, number: usize, columns: &[u16], names: &[&str], plan: &Plan) -> Result<Route> {
        let format = if self.binary { "binary" } else { "text" };
        let table = &self.table;
        let columns = columns.to_vec();
        let listed = list(names);
        if matches!(self.mode, Mode::Append | Mode::Replace) {
            let copy = format!("COPY {table} ({listed}) FROM STDIN (FORMAT {format})");
            return Ok(Route { columns, copy, staged: None });
        }
        let stage = format!("pg_temp.trommel_stage_{number}");
        // Rows lie in the order in which they came, which `ctid` therefore tells.
        let merge = match self.mode {
            Mode::IgnoreDuplicates => format!(
                "INSERT INTO {table} ({listed}) OVERRIDING SYSTEM VALUE \
                 SELECT {listed} FROM {stage} ORDER BY ctid ON CONFLICT DO NOTHING"
            ),
            _ => self.upsert(&stage, names, &listed, plan)?,
        };
        Ok(Route {
            columns,
            copy: format!("COPY {stage} ({listed}) FROM STDIN (FORMAT {format})"),
            staged: Some((
                format!(
                    "CREATE TEMP TABLE IF NOT EXISTS trommel_stage_{number} \
                     ON COMMIT DELETE ROWS AS SELECT {listed} FROM {table} WITH NO DATA"
                ),
                format!("{merge}; TRUNCATE {stage}"),
            )),
        })
    }

    /// One statement must not touch a row twice, so that of rows with one key only the last goes on.
    fn upsert(&self, stage: &str, names: &[&str], listed: &str, plan: &Plan) -> Result<String> {
        let mut key = Vec::new();
        for name in &self.key {
            let column = plan.column(name)?;
            let name = &plan.columns[usize::from(column)].name;
            if !names.contains(&name.as_str()) {
                return Err(Error::config(format!(
                    "upsert: the record has no field for the key column `{name}` of {}",
                    self.table
                )));
            }
            key.push(name.clone());
        }
        let keys = list(&key);
        // Keys with a null are all different.
        let distinct = format!("{keys}, (CASE WHEN num_nulls({keys}) > 0 THEN ctid END)");
        let updates: Vec<String> = names
            .iter()
            .filter(|name| !key.iter().any(|key| key == **name))
            .map(|name| format!("{0} = excluded.{0}", quoted(name)))
            .collect();
        let action = match updates.is_empty() {
            true => "NOTHING".to_owned(),
            false => format!("UPDATE SET {}", updates.join(", ")),
        };
        Ok(format!(
            "INSERT INTO {} ({listed}) OVERRIDING SYSTEM VALUE \
             SELECT DISTINCT ON ({distinct}) {listed} FROM {stage} \
             ORDER BY {distinct}, ctid DESC ON CONFLICT ({keys}) DO {action}",
            self.table
        ))
    }

    /// Statements that begin a transaction.
    pub(super) fn begin(&self, routes: &Routes) -> String {
        let mut sql = "BEGIN".to_owned();
        if self.mode == Mode::Replace {
            sql.push_str(&format!("; TRUNCATE {}", self.table));
        }
        for (make, _) in routes.0.iter().filter_map(|route| route.staged.as_ref()) {
            sql.push_str("; ");
            sql.push_str(make);
        }
        sql
    }

    /// Begins to load over a route.
    pub(super) fn open(
        &self,
        connection: &mut Connection,
        routes: &Routes,
        route: usize,
    ) -> Result<(), Failure> {
        connection.begin_copy_in(&routes.0[route].copy)?;
        if self.binary { connection.put_header(HEADER) } else { Ok(()) }
    }

    /// Loads rows over a route: `rows` is `COPY` data without header and trailer, in stretches.
    pub(super) fn run<'r>(
        &self,
        connection: &mut Connection,
        routes: &Routes,
        route: usize,
        rows: impl IntoIterator<Item = &'r [u8]>,
    ) -> Result<(), Failure> {
        self.open(connection, routes, route)?;
        for stretch in rows {
            connection.put_copy(stretch)?;
        }
        connection.end_copy()?;
        if let Some((_, merge)) = &routes.0[route].staged {
            connection.run(merge)?;
        }
        Ok(())
    }
}
