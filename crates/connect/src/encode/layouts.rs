//! What the fields of records are called, learnt once and compared from then on.

use std::borrow::Cow;
use trommel::{Error, Result};

/// Layouts that a page remembers from one use to the next. Records of one type have one; beyond
/// this many the rows are maps with keys of their own, and remembering them would only grow.
const REMEMBERED: usize = 8;

/// What the values of a row are called.
#[derive(Debug, Clone, Eq)]
pub enum Columns {
    /// By name, in the order of the record's fields; no name twice.
    Named(Vec<Cow<'static, str>>),
    /// By place: this many.
    Numbered(usize),
}

impl Columns {
    /// How many.
    #[allow(clippy::len_without_is_empty, reason = "never empty: a record has a field")]
    pub fn len(&self) -> usize {
        match self {
            Columns::Named(names) => names.len(),
            Columns::Numbered(count) => *count,
        }
    }

    /// Whether they have names, and how many they are. Never inlined, see `eq`.
    #[inline(never)]
    fn form(&self) -> (bool, usize) {
        (matches!(self, Columns::Named(_)), self.len())
    }

    /// Name of the column at `index`, or its number from 1.
    pub fn name(&self, index: usize) -> Cow<'static, str> {
        match self {
            Columns::Named(names) => names[index].clone(),
            Columns::Numbered(_) => Cow::Owned((index + 1).to_string()),
        }
    }
}

// By hand and never inlined: in a search for known columns the compiler takes the number of names, which
// does not change, out of the loop, and branches on it before it looks whether there are any names. Where
// there are none that word was never written, and Valgrind says so in every program that links this.
impl PartialEq for Columns {
    #[inline(never)]
    fn eq(&self, other: &Self) -> bool {
        self.form() == other.form()
            && match (self, other) {
                (Columns::Named(names), Columns::Named(others)) => names == others,
                _ => true,
            }
    }
}

/// The layouts that a page has seen.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    known: Vec<Columns>,
    /// The layout of the row before, also across [`clear`](Self::clear): what the next row most
    /// likely has.
    latest: usize,
    /// The names of the latest layout once more, as far as they are literals, where the hot path
    /// finds them at once.
    literals: Vec<&'static str>,
    names: Vec<Cow<'static, str>>,
    pub(super) key: String,
}

/// How far a row agrees with the one before.
///
/// Names are compared with those of the row before, and only written down when they differ.
#[derive(Debug)]
pub(crate) struct Names {
    /// Fields so far.
    pub(super) fields: usize,
    /// Whether the names have been those of the latest layout; otherwise they are written down.
    as_latest: bool,
}

impl Layouts {
    /// The columns of a layout.
    pub(crate) fn columns(&self, layout: usize) -> &Columns {
        &self.known[layout]
    }

    /// Forgets layouts when they are many; whether it did.
    pub(crate) fn clear(&mut self) -> bool {
        let many = self.known.len() > REMEMBERED;
        if many {
            self.known.clear();
            self.literals.clear();
            self.latest = 0;
        }
        many
    }

    /// The name of the field at hand, in a row that is a map.
    #[cfg(any(feature = "postgres", feature = "postgres-system"))]
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    #[inline]
    pub(super) fn begin(&mut self) -> Names {
        self.names.clear();
        Names { fields: 0, as_latest: self.latest < self.known.len() }
    }

    /// Notes the next field's name: its place, and whether all names so far are those of the row
    /// before.
    #[inline(always)]
    pub(super) fn literal(&mut self, row: &mut Names, name: &'static str) -> (usize, bool) {
        // Derived implementations pass the same literal each time, so its address settles it.
        let same = row.as_latest
            && self.literals.get(row.fields).is_some_and(|literal| {
                literal.as_ptr() == name.as_ptr() && literal.len() == name.len()
            });
        if !same {
            self.compare(row, name);
        }
        row.fields += 1;
        (row.fields - 1, row.as_latest)
    }

    #[cold]
    fn compare(&mut self, row: &mut Names, name: &'static str) {
        if self.expected(row) != Some(name) {
            self.depart(row);
            self.names.push(Cow::Borrowed(name));
        }
    }

    /// As [`literal`](Self::literal), for the name in `key`.
    pub(super) fn owned(&mut self, row: &mut Names) -> (usize, bool) {
        if self.expected(row) != Some(&*self.key) {
            self.depart(row);
            self.names.push(Cow::Owned(self.key.clone()));
        }
        row.fields += 1;
        (row.fields - 1, row.as_latest)
    }

    /// As [`literal`](Self::literal), for a field without a name.
    #[inline]
    pub(super) fn place(&mut self, row: &mut Names) -> (usize, bool) {
        let latest = self.known.get(self.latest);
        let same = matches!(latest, Some(Columns::Numbered(count)) if row.fields < *count);
        row.as_latest &= same;
        row.fields += 1;
        (row.fields - 1, row.as_latest)
    }

    /// The name that the row before had at this place.
    #[inline]
    fn expected(&self, row: &Names) -> Option<&str> {
        match self.known.get(self.latest) {
            Some(Columns::Named(names)) if row.as_latest => names.get(row.fields).map(|n| &**n),
            _ => None,
        }
    }

    /// Writes down the names so far, which were those of the row before.
    #[cold]
    fn depart(&mut self, row: &mut Names) {
        if row.as_latest {
            row.as_latest = false;
            if let Some(Columns::Named(names)) = self.known.get(self.latest) {
                let names = &names[..row.fields.min(names.len())];
                self.names.extend_from_slice(names);
            }
        }
    }

    /// The layout of a row whose fields have names.
    #[inline]
    pub(super) fn end_named(&mut self, mut row: Names) -> Result<usize> {
        let unchanged = row.as_latest
            && matches!(&self.known[self.latest],
                Columns::Named(names) if names.len() == row.fields);
        if unchanged {
            return Ok(self.latest);
        }
        self.depart(&mut row);
        let names = std::mem::take(&mut self.names);
        self.find(Columns::Named(names))
    }

    /// The layout of a row whose fields have none: this many.
    #[inline]
    pub(crate) fn numbered(&mut self, fields: usize) -> Result<usize> {
        match self.known.get(self.latest) {
            Some(Columns::Numbered(count)) if *count == fields => Ok(self.latest),
            _ => self.find(Columns::Numbered(fields)),
        }
    }

    /// Makes this layout the latest, and answers its number.
    #[cold]
    fn find(&mut self, columns: Columns) -> Result<usize> {
        let known = self.known.iter().position(|known| *known == columns);
        self.latest = match known {
            Some(known) => known,
            None => self.learn(columns)?,
        };
        self.literals.clear();
        if let Columns::Named(names) = &self.known[self.latest] {
            let literals = names.iter().map_while(|name| match name {
                Cow::Borrowed(name) => Some(*name),
                Cow::Owned(_) => None,
            });
            self.literals.extend(literals);
        }
        Ok(self.latest)
    }

    fn learn(&mut self, columns: Columns) -> Result<usize> {
        if let Columns::Named(names) = &columns {
            for (index, name) in names.iter().enumerate() {
                if names[..index].contains(name) {
                    return Err(Error::row(
                        "two fields of the record have the same name: rename one of them",
                    )
                    .in_column(&**name));
                }
            }
        }
        self.known.push(columns);
        Ok(self.known.len() - 1)
    }
}
