//! Columns by where in memory their names lie.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// Places for columns to be remembered in; tables of few columns leave most of them free.
const PLACES: usize = 256;
/// Places, one behind the other, that a column may be remembered in.
const NEAR: usize = 8;

/// The columns of names that were asked for. Only a hint: names are compared. Atomic so that rows
/// may be shared between threads.
pub(crate) struct Hints([AtomicU32; PLACES]);

impl Hints {
    /// The place of `name`, and the column that it most likely means, if that is called so.
    #[inline(always)]
    pub(crate) fn guess(&self, name: &str) -> (usize, usize) {
        // Literals have a fixed address, so the address finds the column without hashing letters.
        let hash = (name.as_ptr().addr() as u64).wrapping_add((name.len() as u64) << 48);
        let place = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        (place, self.0[place].load(Ordering::Relaxed) as usize)
    }

    /// After a wrong guess, the column called `name`: one remembered near its `place` that `is` this
    /// one, or else what `look_up` finds.
    pub(crate) fn find<E>(
        &self,
        place: usize,
        is: impl Fn(usize) -> bool,
        look_up: impl FnOnce() -> Result<Option<u32>, E>,
    ) -> Result<Option<usize>, E> {
        let mut spare = &self.0[place];
        for step in 0..NEAR {
            let near = &self.0[(place + step) % PLACES];
            let column = near.load(Ordering::Relaxed);
            if column == u32::MAX {
                spare = near;
                break;
            }
            if is(column as usize) {
                return Ok(Some(column as usize));
            }
        }
        let column = look_up()?;
        if let Some(column) = column {
            spare.store(column, Ordering::Relaxed);
        }
        Ok(column.map(|column| column as usize))
    }
}

/// Whether two short texts are the same, without a call.
#[inline(always)]
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let length = other.len();
    if one.len() != length {
        return false;
    }
    match length {
        // Two words that may overlap hold all of it.
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk::<8>()
                && one.last_chunk::<8>() == other.last_chunk::<8>()
        }
        4..=7 => {
            one.first_chunk::<4>() == other.first_chunk::<4>()
                && one.last_chunk::<4>() == other.last_chunk::<4>()
        }
        1..=3 => {
            one[0] == other[0]
                && one[length / 2] == other[length / 2]
                && one[length - 1] == other[length - 1]
        }
        _ => one == other,
    }
}

impl Default for Hints {
    fn default() -> Self {
        Hints([const { AtomicU32::new(u32::MAX) }; PLACES])
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
            let (place, column) = hints.guess(name);
            if is(column) {
                return Ok(Some(column));
            }
            hints.find(place, is, || {
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

    #[test]
    fn texts_are_the_same_when_every_byte_is() {
        for length in 0..40 {
            let text: String = ('a'..='z').cycle().take(length).collect();
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &format!("{text}a")));
            for at in 0..length {
                let mut other = text.clone();
                other.replace_range(at..=at, "!");
                assert!(!same(&text, &other), "{length}, {at}");
            }
        }
    }
}
