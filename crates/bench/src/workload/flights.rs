//! Flights as lines of CSV: nineteen columns in the form of the public-domain flights table, with
//! invented values.

use super::Workload;
use crate::floors::sequential;
use crate::origin::SEED;
use std::fmt;
use std::io::{self, Read};

const CARRIERS: [&str; 8] = ["UA", "AA", "B6", "DL", "EV", "MQ", "US", "WN"];
const AIRPORTS: [&str; 8] = ["EWR", "JFK", "LGA", "IAH", "MIA", "ATL", "ORD", "FLL"];

/// The header of the table.
const HEADER: &str = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,\
    sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,\
    time_hour\n";

/// Appends line number `row`, with its line break. One in forty has no air time, as in the table
/// that it imitates.
fn write_flight(row: u64, line: &mut String) {
    // splitmix64: any mixing will do, but it must be the same for ever.
    let mut state = (SEED ^ row).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let mut bits = state ^ (state >> 31);
    let mut draw = |below: u64| {
        let drawn = bits % below;
        bits = (bits / below) ^ (bits << 40);
        drawn
    };
    let mut digits = itoa::Buffer::new();
    let mut number = |line: &mut String, value: i64| {
        line.push_str(digits.format(value));
        line.push(',');
    };
    let (month, day, hour, minute) = (draw(12) + 1, draw(28) + 1, draw(19) + 5, draw(60));
    let (delay, miles) = (draw(90) as i64 - 20, 200 + draw(2_400));
    let minutes = miles / 8 + 20 + draw(30);
    let missing = draw(40) == 0;
    let text = |line: &mut String, value: &str| {
        line.push_str(value);
        line.push(',');
    };
    for value in [2013, month, day, hour * 100 + minute, hour * 100 + minute] {
        number(line, value as i64);
    }
    number(line, delay);
    for value in [(hour * 100 + minutes) % 2_400, (hour * 100 + minutes) % 2_400] {
        number(line, value as i64);
    }
    number(line, delay - 5);
    text(line, CARRIERS[draw(8) as usize]);
    number(line, draw(6_000) as i64);
    line.push('N');
    number(line, 10_000 + draw(90_000) as i64);
    text(line, AIRPORTS[draw(3) as usize]);
    text(line, AIRPORTS[3 + draw(5) as usize]);
    match missing {
        true => text(line, "NA"),
        false => number(line, minutes as i64),
    }
    for value in [miles, hour, minute] {
        number(line, value as i64);
    }
    line.push_str("2013-01-01T");
    line.push_str(if hour < 10 { "0" } else { "" });
    line.push_str(digits.format(hour));
    line.push_str(":00:00Z\n");
}

/// Lines in memory, one box each.
#[derive(Debug)]
pub struct FlightLines {
    /// Lines without their breaks.
    pub lines: Vec<Box<str>>,
    /// What the light job over them comes to.
    pub workload: Workload,
}

impl FlightLines {
    /// This many lines.
    pub fn new(rows: u64) -> Self {
        let mut line = String::new();
        let lines: Vec<Box<str>> = (0..rows)
            .map(|row| {
                line.clear();
                write_flight(row, &mut line);
                line.trim_end().into()
            })
            .collect();
        let expected = sequential::light(&lines);
        FlightLines {
            lines,
            workload: Workload { name: "light", rows, row_bytes: 110, seed: SEED, expected },
        }
    }
}

/// The light job: splits a line, reads four numbers, writes a line with one that is derived from
/// them. About a quarter of a microsecond. A line without an air time is left out.
#[inline]
pub fn light_line(row: &str, line: &mut impl fmt::Write) -> Result<bool, fmt::Error> {
    let Some(flight) = Flight::parse(row) else {
        return Ok(false);
    };
    line.write_str(flight.carrier)?;
    line.write_str(flight.number)?;
    line.write_char('|')?;
    line.write_str(zmij::Buffer::new().format(flight.speed))?;
    line.write_char('|')?;
    line.write_str(itoa::Buffer::new().format(flight.delay))?;
    Ok(true)
}

/// What the light job takes from a line.
struct Flight<'a> {
    carrier: &'a str,
    number: &'a str,
    /// Miles per hour.
    speed: f64,
    /// Minutes at both ends.
    delay: i64,
}

impl<'a> Flight<'a> {
    // Never inlined, so that every contestant runs the same machine code.
    #[inline(never)]
    fn parse(row: &'a str) -> Option<Self> {
        let mut fields = [""; 19];
        for (field, text) in fields.iter_mut().zip(row.split(',')) {
            *field = text;
        }
        let air_time: f64 = fields[14].parse().ok()?;
        let distance: f64 = fields[15].parse().ok()?;
        Some(Flight {
            carrier: fields[9],
            number: fields[10],
            speed: distance / air_time * 60.0,
            delay: fields[5].parse().unwrap_or(0) + fields[8].parse().unwrap_or(0),
        })
    }
}

/// The table as a file that is made while it is read: a header and flights until `bytes` have been
/// given out, the last line whole.
#[derive(Debug)]
pub struct FlightCsv {
    row: u64,
    left: u64,
    text: String,
    given: usize,
}

impl FlightCsv {
    /// About this many bytes.
    pub fn new(bytes: u64) -> Self {
        FlightCsv { row: 0, left: bytes, text: HEADER.to_owned(), given: 0 }
    }

    /// All of it.
    pub fn into_text(mut self) -> String {
        let mut text = String::new();
        self.read_to_string(&mut text).expect("made text can be read");
        text
    }
}

impl Read for FlightCsv {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() {
            self.text.clear();
            self.given = 0;
            // Pieces that stay in the cache.
            while self.left > 0 && self.text.len() < 64 << 10 {
                let before = self.text.len();
                write_flight(self.row, &mut self.text);
                self.row += 1;
                self.left = self.left.saturating_sub((self.text.len() - before) as u64);
            }
        }
        let rest = &self.text.as_bytes()[self.given..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_nineteen_columns() {
        let text = FlightCsv::new(100_000).into_text();
        assert!((100_000..100_400).contains(&text.len()), "{}", text.len());
        assert!(text.lines().all(|line| line.split(',').count() == 19));
        let missing = text.lines().filter(|line| line.contains(",NA,")).count();
        assert!((5..50).contains(&missing), "{missing} of {}", text.lines().count());
    }

    #[test]
    fn a_light_line_holds_carrier_speed_and_delay() {
        let row = "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,x";
        let mut line = String::new();
        assert_eq!(light_line(row, &mut line), Ok(true));
        assert_eq!(line, "UA1545|370.04405286343615|13");
        assert_eq!(light_line(&row.replace(",227,", ",NA,"), &mut line), Ok(false));
    }
}
