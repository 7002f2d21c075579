//! Columns by where in memory their names lie.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many are remembered.
const REMEMBERED: usize = 64;

/// The columns of names that were asked for. Only a hint: names are compared. Atomic so that rows
/// may be shared between threads.
pub(crate) struct Hints([AtomicU32; REMEMBERED]);

impl Hints {
    /// The column called `name`: one remembered that `is` this one, or else what `look_up` finds.
    #[inline(always)]
    pub(crate) fn find<E>(
        &self,
        name: &str,
        is: impl Fn(usize) -> bool,
        look_up: impl FnOnce() -> Result<Option<u32>, E>,
    ) -> Result<Option<usize>, E> {
        // Literals have a fixed address, so the address finds the column without hashing letters.
        let hash = (name.as_ptr().addr() ^ name.len() << 6).wrapping_mul(0x9e37_79b9);
        let place = hash >> 20 & (REMEMBERED - 1);
        let column = self.0[place].load(Ordering::Relaxed) as usize;
        match is(column) {
            true => Ok(Some(column)),
            false => self.find_beside(place, is, look_up),
        }
    }

    /// Two names of one place lie side by side: of ten names, every second time there are such.
    #[inline(never)]
    fn find_beside<E>(
        &self,
        place: usize,
        is: impl Fn(usize) -> bool,
        look_up: impl FnOnce() -> Result<Option<u32>, E>,
    ) -> Result<Option<usize>, E> {
        let beside = &self.0[place ^ 1];
        let column = beside.load(Ordering::Relaxed) as usize;
        if is(column) {
            return Ok(Some(column));
        }
        let column = look_up()?;
        if let Some(column) = column {
            let first = &self.0[place];
            match first.load(Ordering::Relaxed) {
                u32::MAX => first.store(column, Ordering::Relaxed),
                _ => beside.store(column, Ordering::Relaxed),
            }
        }
        Ok(column.map(|column| column as usize))
    }
}

impl Default for Hints {
    fn default() -> Self {
        Hints([const { AtomicU32::new(u32::MAX) }; REMEMBERED])
    }
}

impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hints")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn names_are_looked_up_once_and_never_mistaken() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let (hints, lookups) = (Hints::default(), Cell::new(0));
        let find = |name: &str| {
            let is = |column| names.get(column).is_some_and(|known| *known == name);
            hints.find(name, is, || {
                lookups.set(lookups.get() + 1);
                let column = names.iter().position(|known| *known == name);
                Ok::<_, ()>(column.map(|column| column as u32))
            })
        };
        for _ in 0..3 {
            for (column, name) in names.iter().enumerate() {
                assert_eq!(find(name), Ok(Some(column)));
            }
        }
        assert!(lookups.get() < 3 * names.len(), "{}", lookups.get());
        // Another text in the same place.
        let mut text = String::from("a");
        assert_eq!(find(&text), Ok(Some(0)));
        text.replace_range(.., "h");
        assert_eq!(find(&text), Ok(Some(7)));
        text.replace_range(.., "x");
        assert_eq!(find(&text), Ok(None));
    }
}
