//! Rows and checksum of an output, found by reading it: what every contestant must agree on.
//!
//! A row's checksum is the sum of its numbers and of the lengths of its texts, each times the number
//! of its column, so that values in wrong columns show; speeds count in thousandths, cut off. It
//! doesn't depend on the order of rows, nor on how numbers and times are written.

use super::{peers, postgres};
use crate::{Result, sibling};
use rusqlite::{Connection, OpenFlags};
use std::fmt;
use std::path::Path;
use std::process::Command;

/// Columns of whole numbers.
const NUMBERS: [&str; 14] = [
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "flight",
    "air_time",
    "distance",
    "hour",
    "minute",
];
/// Columns of texts.
const TEXTS: [&str; 5] = ["carrier", "tailnum", "origin", "dest", "id"];

/// What a job's output comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Check {
    /// Rows.
    pub rows: u64,
    /// Sum of the rows' checksums; 0 where only rows are compared.
    pub checksum: i64,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, checksum {}", self.rows, self.checksum)
    }
}

impl Check {
    /// What a program printed: `rows N` and `checksum N`.
    pub(super) fn printed(printed: &str) -> Result<Self> {
        let rows = sibling::number(printed, "rows ")? as u64;
        let text = printed.lines().find_map(|line| line.strip_prefix("checksum "));
        let checksum = text.and_then(|text| text.trim().parse().ok());
        Ok(Check { rows, checksum: checksum.ok_or("a contestant printed no checksum")? })
    }

    /// Of a CSV file with a header.
    pub(super) fn of_csv(path: &Path) -> Result<Self> {
        let mut reader = csv::Reader::from_path(path)?;
        let header = reader.headers()?.clone();
        let column = |name: &str| {
            let found = header.iter().position(|known| known == name);
            found.ok_or_else(|| format!("{}: no column {name}", path.display()))
        };
        let numbers =
            NUMBERS.map(column).into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
        let texts = TEXTS.map(column).into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
        let (speed, time) = (column("speed")?, column("time_hour")?);
        let mut check = Check::default();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            check.rows += 1;
            for (weight, &column) in (1..).zip(&numbers) {
                // Some write whole numbers as floats.
                check.checksum += weight * record[column].parse::<f64>()? as i64;
            }
            for (weight, &column) in (15..).zip(&texts) {
                check.checksum += weight * record[column].len() as i64;
            }
            let hour = record[time].get(11..13).ok_or("a time without an hour")?;
            check.checksum += 20 * hour.parse::<i64>()?;
            check.checksum += (record[speed].parse::<f64>()? * 1000.0) as i64;
        }
        Ok(check)
    }

    /// Of table `flights` in an SQLite database.
    pub(super) fn of_sqlite(path: &Path) -> Result<Self> {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let hour = "cast(substr(time_hour, 12, 2) as integer)";
        let sql = sql(hour, "cast(speed * 1000 as integer)");
        Ok(database.query_row(&sql, [], |row| {
            Ok(Check { rows: row.get::<_, i64>(0)?.cast_unsigned(), checksum: row.get(1)? })
        })?)
    }

    /// Of a Parquet file, read by PyArrow: another hand than any that wrote it.
    pub(super) fn of_parquet(path: &Path) -> Result<Self> {
        let script = peers::folder().join("check_parquet.py");
        Check::printed(&sibling::output(Command::new(peers::python()).arg(script).arg(path))?)
    }

    /// Of table `flights` in a database of PostgreSQL, whose address is `url`.
    pub(super) fn of_postgres(url: &Path) -> Result<Self> {
        let hour = "extract(hour FROM time_hour AT TIME ZONE 'UTC')::bigint";
        Check::answered(url, &sql(hour, "trunc(speed * 1000)::bigint"))
    }

    /// Of the same table, raw: the sum of a hash of each row as the server prints it, since there
    /// nulls must agree, too.
    pub(super) fn of_raw_postgres(url: &Path) -> Result<Self> {
        // The sum is of any size; the remainder fits.
        Check::answered(
            url,
            "SELECT count(*), sum(hashtextextended(flights::text, 0)) % 9223372036854775807 \
             FROM flights",
        )
    }

    fn answered(url: &Path, sql: &str) -> Result<Self> {
        let url = url.to_str().ok_or("an address that is no text")?;
        let answer = postgres::query(url, sql)?;
        let (rows, checksum) = answer.split_once('|').ok_or("no checksum from PostgreSQL")?;
        Ok(Check { rows: rows.parse()?, checksum: checksum.parse()? })
    }

    /// Rows of table `flights` in an SQLite database.
    pub(super) fn rows_of_sqlite(path: &Path) -> Result<Self> {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let rows: i64 = database.query_row("SELECT count(*) FROM flights", [], |row| row.get(0))?;
        Ok(Check { rows: rows.cast_unsigned(), checksum: 0 })
    }
}

/// The checksum as a query.
fn sql(hour: &str, millispeed: &str) -> String {
    let numbers =
        (1..).zip(NUMBERS).map(|(weight, name)| format!("{weight} * coalesce({name}, 0)"));
    let texts =
        (15..).zip(TEXTS).map(|(weight, name)| format!("{weight} * coalesce(length({name}), 0)"));
    let terms: Vec<String> = numbers.chain(texts).collect();
    let terms = terms.join(" + ");
    format!("SELECT count(*), sum({terms} + 20 * {hour} + {millispeed}) FROM flights")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,\
        arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour,speed,id";
    const ROWS: [&str; 2] = [
        "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,\
         2013-01-01T10:00:00Z,370.04405286343615,UA1545",
        "2013,1,1,533,529,4,850,830,20,UA,1714,N24211,LGA,IAH,227,1416,5,29,\
         2013-01-01T10:00:00Z,374.27312775330395,UA1714",
    ];

    fn of_csv(rows: &[String]) -> Check {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
        Check::of_csv(file.path()).unwrap()
    }

    #[test]
    fn every_format_comes_to_the_same_and_a_changed_value_shows() {
        let rows = ROWS.map(str::to_owned);
        let right = of_csv(&rows);
        let database = tempfile::NamedTempFile::new().unwrap();
        let connection = Connection::open(database.path()).unwrap();
        connection.execute_batch(&format!("CREATE TABLE flights ({HEADER})")).unwrap();
        for row in ROWS {
            let values: Vec<String> = row
                .split(',')
                .map(|value| match value.parse::<f64>() {
                    Ok(_) => value.to_owned(),
                    Err(_) => format!("'{value}'"),
                })
                .collect();
            let sql = format!("INSERT INTO flights VALUES ({})", values.join(","));
            connection.execute_batch(&sql).unwrap();
        }
        assert_eq!(Check::of_sqlite(database.path()).unwrap(), right);
        assert_eq!(Check::rows_of_sqlite(database.path()).unwrap().rows, 2);

        let swapped = [rows[1].clone(), rows[0].clone()];
        assert_eq!(of_csv(&swapped), right, "the order of rows");
        let written = rows.clone().map(|row| row.replace("T10:00:00Z", " 10:00:00+00"));
        assert_eq!(of_csv(&written), right, "how a time is written");
        for (from, to) in [("517,515", "515,517"), ("370.044", "370.054"), ("N14228", "N1422")] {
            let changed = rows.clone().map(|row| row.replace(from, to));
            assert_ne!(of_csv(&changed), right, "{from} became {to}");
        }
    }

    #[test]
    fn sums_are_taken_from_what_was_printed() {
        let check = Check::printed("rows 3\nchecksum -7\ntimed.wall 1.0\n").unwrap();
        assert_eq!(check, Check { rows: 3, checksum: -7 });
        assert!(Check::printed("rows 3\n").is_err());
    }
}
