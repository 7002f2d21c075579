//! Finding the ends of rows without parsing, on the feeder's thread.
//!
//! In JSON lines a row ends at `\n`, which no JSON text can hold unescaped within a string, so
//! nothing else has to be looked at. In an array document a row is an element: what is between two
//! commas outside of strings and of nested values. The `]` of the array is left to the block behind
//! the last element, so that a position before it can be told from the end of a file that was cut
//! off.

use crate::input::{Cut, scanned};
use memchr::{memchr, memchr2};

/// How rows follow on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Lines,
    Array,
}

/// Where in an array document the scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the `[`.
    Start,
    /// Between, in or behind elements, not within a string.
    Inside,
    /// Within a string, opened at this place.
    String(usize),
    /// Within such a string, behind a backslash.
    Escaped(usize),
    /// At or behind the `]`.
    Closed,
}

/// Scans a window of the input: see [`Cut`].
#[derive(Debug, Clone)]
pub(super) struct Cutter {
    form: Form,
    state: State,
    /// Arrays and objects that are open within the element at hand.
    depth: usize,
    at: usize,
    end: usize,
    rows: usize,
    /// Ends of lines before `end`; of JSON lines only.
    lines: usize,
    last: (usize, usize),
    is_cut_off: bool,
    /// All of the array has been seen, and its end if that is missing been told.
    is_over: bool,
    /// Nothing but blanks of the file is before the window.
    opens: bool,
    /// The document doesn't begin with a `[`.
    is_bare: bool,
    /// The row at hand is being passed over, most of it has been thrown away.
    skipping: bool,
}

impl Cutter {
    /// At the start of a file or stream.
    pub(super) fn new(form: Form) -> Self {
        Cutter {
            form,
            state: State::Start,
            depth: 0,
            at: 0,
            end: 0,
            rows: 0,
            lines: 0,
            last: (0, 0),
            is_cut_off: false,
            is_over: false,
            opens: true,
            is_bare: false,
            skipping: false,
        }
    }

    /// Takes `data[end..stop]` as a row, unless it is blank; a cut may fall at `next`.
    #[inline]
    fn row(&mut self, data: &[u8], stop: usize, next: usize) {
        let start = self.end;
        self.end = next;
        if self.skipping {
            self.rows += 1;
            self.last = (start, stop);
            return;
        }
        // Most rows start with a `{` right where the one before ended.
        if data.get(start).is_some_and(|byte| *byte > b' ') && start < stop {
            self.rows += 1;
            self.last = (start, trim(data, start, stop));
            return;
        }
        let blank = data[start..stop].iter().take_while(|byte| is_blank(**byte)).count();
        if start + blank < stop {
            self.rows += 1;
            self.last = (start + blank, trim(data, start + blank, stop));
        }
    }

    /// Blanks before a row belong to none, and are never gathered.
    #[inline]
    fn pass_blanks(&mut self, data: &[u8]) {
        if self.at == self.end && !self.skipping {
            while let Some(byte) = data.get(self.at).filter(|byte| is_blank(**byte)) {
                self.lines += usize::from(*byte == b'\n');
                self.at += 1;
            }
            self.end = self.at;
        }
    }

    fn lines(&mut self, data: &[u8], rows: usize) {
        while self.rows < rows {
            self.pass_blanks(data);
            let Some(stop) = memchr(b'\n', &data[self.at..]) else {
                self.at = data.len();
                return;
            };
            let stop = self.at + stop;
            self.at = stop + 1;
            self.lines += 1;
            self.row(data, stop, stop + 1);
        }
    }

    fn elements(&mut self, data: &[u8], rows: usize) {
        while self.rows < rows {
            if self.state == State::Inside {
                self.pass_blanks(data);
            }
            if self.at >= data.len() {
                return;
            }
            match self.state {
                State::Closed => self.at = data.len(),
                State::Start => {
                    let byte = data[self.at];
                    if is_blank(byte) {
                        self.at += 1;
                        self.end = self.at;
                        continue;
                    }
                    self.is_bare = byte != b'[';
                    self.state = State::Inside;
                    self.at += usize::from(byte == b'[');
                    // Without a `[` the batch says so.
                    self.end = self.at;
                }
                State::String(opened) => match memchr2(b'"', b'\\', &data[self.at..]) {
                    None => self.at = data.len(),
                    Some(stop) => {
                        let is_end = data[self.at + stop] == b'"';
                        self.state = if is_end { State::Inside } else { State::Escaped(opened) };
                        self.at += stop + 1;
                    }
                },
                State::Escaped(opened) => {
                    self.at += 1;
                    self.state = State::String(opened);
                }
                State::Inside => self.inside(data),
            }
        }
    }

    /// Goes on to the next string, or to the end of an element.
    fn inside(&mut self, data: &[u8]) {
        for (index, byte) in data[self.at..].iter().enumerate() {
            let at = self.at + index;
            match byte {
                b'"' => {
                    self.state = State::String(at);
                    self.at = at + 1;
                    return;
                }
                b'{' | b'[' => self.depth += 1,
                b']' if self.depth == 0 => {
                    self.state = State::Closed;
                    self.row(data, at, at);
                    self.at = at + 1;
                    return;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b',' if self.depth == 0 => {
                    let rows = self.rows;
                    let start = self.end;
                    self.row(data, at, at + 1);
                    if self.rows == rows {
                        // Nothing between two commas: a row that the parser refuses.
                        self.rows += 1;
                        self.last = (start, start);
                    }
                    self.at = at + 1;
                    return;
                }
                _ => {}
            }
        }
        self.at = data.len();
    }
}

impl Cut for Cutter {
    scanned!();

    fn lines(&self) -> Option<usize> {
        (self.form == Form::Lines).then_some(self.lines)
    }

    #[inline]
    fn walk(&mut self, data: &[u8], rows: usize) {
        match self.form {
            Form::Lines => self.lines(data, rows),
            Form::Array => self.elements(data, rows),
        }
    }

    fn skim(&mut self, data: &[u8]) {
        self.walk(data, usize::MAX);
    }

    fn finish(&mut self, data: &[u8]) {
        let is_closed = self.form == Form::Array && self.state == State::Closed;
        if is_closed && self.rows > 0 {
            // The `]`, and what is behind it, is for the next block.
            return;
        }
        let before = self.rows;
        let start = self.end;
        if is_closed {
            let rest = &data[start..];
            // Behind the `]` there may only be blanks; otherwise all of it is a row that the parser
            // refuses.
            if !self.skipping && rest.iter().skip(1).all(|byte| is_blank(*byte)) {
                self.end = data.len();
            } else {
                self.row(data, data.len(), data.len());
            }
        } else {
            self.row(data, data.len(), data.len());
            // Told once, also when a run goes on behind it.
            if self.form == Form::Array && self.state != State::Start && !self.is_over {
                if self.rows == before {
                    self.rows += 1;
                    self.last = (data.len(), data.len());
                }
                self.is_cut_off = true;
            }
        }
        self.is_over = self.form == Form::Array && self.state != State::Start;
        self.at = data.len();
    }

    fn cut(&mut self) {
        self.opens &= self.state == State::Start || self.is_bare && self.rows == 0;
        self.at -= self.end;
        if let State::String(opened) | State::Escaped(opened) = &mut self.state {
            *opened = opened.saturating_sub(self.end);
        }
        self.end = 0;
        self.rows = 0;
        self.lines = 0;
        self.skipping = false;
    }

    fn skip(&mut self) {
        self.at = 1;
        self.end = 0;
        self.skipping = true;
    }

    fn open_quote(&self) -> Option<usize> {
        match self.state {
            State::String(opened) | State::Escaped(opened) => Some(opened),
            _ => None,
        }
    }

    fn opens(&self) -> bool {
        self.opens
    }

    fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn resumed(mut self, is_over: bool) -> Self {
        self.state = State::Inside;
        self.opens = false;
        self.is_over = is_over;
        self
    }

    /// Rows are parsed one by one, into nothing that is kept.
    fn parsed_bytes(&self, _average: f64) -> f64 {
        0.0
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Where the row that starts at `start` and ends at `stop` ends without the blanks behind it.
#[inline]
fn trim(data: &[u8], start: usize, mut stop: usize) -> usize {
    while stop > start && is_blank(data[stop - 1]) {
        stop -= 1;
    }
    stop
}
