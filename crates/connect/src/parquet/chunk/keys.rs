//! Dictionaries: the different values of a column, each with a number.

use super::kind::{Kind, Number, Stored, Text};
use arrow_array::types::ByteArrayType;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// The values that a column has had, numbered from 0 in the order in which they came.
pub(super) trait Keys<K: Kind>: Send {
    fn new() -> Self;
    /// The number of a value, a new one if need be.
    fn key(&mut self, item: K::Item<'_>) -> u32;
    fn get(&self, key: u32) -> K::Item<'_>;
    fn len(&self) -> usize;
    /// Bytes of all values, laid down as they are.
    fn bytes(&self) -> usize;
}

/// Numbers of up to 16 bits, found by a table.
pub(super) struct Narrow<T: Stored> {
    /// By value, what would be its key. Only a hint: it holds if that key has the value.
    table: Vec<u16>,
    values: Vec<T::Native>,
}

impl<T: Stored> Keys<Number<T>> for Narrow<T>
where
    Number<T>: for<'a> Kind<Item<'a> = T::Native>,
{
    fn new() -> Self {
        Narrow { table: vec![0; 1 << (8 * size_of::<T::Native>())], values: Vec::new() }
    }

    #[inline(always)]
    fn key(&mut self, item: T::Native) -> u32 {
        // Negative numbers have ones above, which are not the table's.
        let at = T::bits(item) as usize & (self.table.len() - 1);
        let key = self.table[at];
        match self.values.get(key as usize) {
            Some(value) if *value == item => key.into(),
            _ => {
                // There are no more different values than a u16 can count.
                let key = self.values.len() as u16;
                self.table[at] = key;
                self.values.push(item);
                key.into()
            }
        }
    }

    fn get(&self, key: u32) -> T::Native {
        self.values[key as usize]
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self) -> usize {
        self.values.len() * size_of::<T::Physical>()
    }
}

/// What hashes begin with, so that nobody can choose values that fall together.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

#[inline(always)]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other | 1);
    (product as u64) ^ (product >> 64) as u64
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash table of keys; what they stand for is compared by who uses it.
struct Slots {
    /// Hash and key + 1; 0 is free. Never more than half of them are taken.
    slots: Vec<(u32, u32)>,
    taken: usize,
}

impl Slots {
    fn new() -> Self {
        Slots { slots: vec![(0, 0); 1 << 10], taken: 0 }
    }

    /// The key of this hash for which `is_it` holds, or the slot where it goes.
    #[inline(always)]
    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut at = (hash >> 32) as usize & mask;
        loop {
            match self.slots[at] {
                (_, 0) => return Err(at),
                (part, key) if part == hash as u32 && is_it(key - 1) => return Ok(key - 1),
                _ => at = (at + 1) & mask,
            }
        }
    }

    #[cold]
    fn insert(&mut self, at: usize, hash: u64, key: u32, hash_of: impl Fn(u32) -> u64) {
        self.slots[at] = (hash as u32, key + 1);
        self.taken += 1;
        if 2 * self.taken <= self.slots.len() {
            return;
        }
        let larger = vec![(0, 0); 2 * self.slots.len()];
        for (part, key) in std::mem::replace(&mut self.slots, larger) {
            if key > 0
                && let Err(at) = self.find(hash_of(key - 1), |_| false)
            {
                self.slots[at] = (part, key);
            }
        }
    }
}

/// Numbers of any width.
pub(super) struct Wide<T: Stored> {
    slots: Slots,
    values: Vec<T::Native>,
    seed: u64,
}

impl<T: Stored> Keys<Number<T>> for Wide<T>
where
    Number<T>: for<'a> Kind<Item<'a> = T::Native>,
{
    fn new() -> Self {
        Wide { slots: Slots::new(), values: Vec::new(), seed: *SEED }
    }

    #[inline(always)]
    fn key(&mut self, item: T::Native) -> u32 {
        let Wide { slots, values, seed } = self;
        let hash_of = |value| folded(T::bits(value) ^ *seed, MULTIPLIER);
        let hash = hash_of(item);
        // By bits: floats that are no numbers, and zeros of both signs, are kept as they are.
        let bits = T::bits(item);
        match slots.find(hash, |key| T::bits(values[key as usize]) == bits) {
            Ok(key) => key,
            Err(at) => {
                let key = values.len() as u32;
                values.push(item);
                slots.insert(at, hash, key, |key| hash_of(values[key as usize]));
                key
            }
        }
    }

    fn get(&self, key: u32) -> T::Native {
        self.values[key as usize]
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self) -> usize {
        self.values.len() * size_of::<T::Physical>()
    }
}

/// Texts and byte strings.
pub(super) struct Texts {
    slots: Slots,
    texts: Vec<Known>,
    data: Vec<u8>,
    seed: u64,
}

/// A text of the dictionary.
#[derive(Clone, Copy)]
struct Known {
    head: Head,
    start: usize,
}

/// Length and the first and last bytes of a text: all of it if it is short.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    len: usize,
    first: u64,
    last: u64,
}

impl Head {
    const WHOLE: usize = 16;

    #[inline(always)]
    fn of(text: &[u8]) -> Self {
        let len = text.len();
        let (first, last) = match text {
            _ if len >= 8 => {
                let first = text.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                (first, text.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
            }
            _ if len >= 4 => {
                let first = text.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                let last = text.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                (first.into(), last.into())
            }
            [first, rest @ ..] => {
                let middle = rest.first().copied().unwrap_or_default();
                let last = rest.last().copied().unwrap_or_default();
                (u64::from(*first) | u64::from(middle) << 8, last.into())
            }
            [] => (0, 0),
        };
        Head { len, first, last }
    }

    #[inline(always)]
    fn hash(self, text: &[u8], seed: u64) -> u64 {
        let mut hash = seed ^ (self.len as u64).wrapping_mul(MULTIPLIER);
        if self.len > Self::WHOLE {
            let (words, _) = text.as_chunks::<8>();
            for word in &words[1..] {
                hash = folded(hash ^ u64::from_le_bytes(*word), MULTIPLIER);
            }
        }
        folded(self.first ^ hash, self.last ^ seed.rotate_left(32) ^ MULTIPLIER)
    }
}

impl Texts {
    #[inline(always)]
    fn text(texts: &[Known], data: &[u8], key: u32) -> (Head, usize) {
        let Known { head, start } = texts[key as usize];
        debug_assert!(start + head.len <= data.len());
        (head, start)
    }
}

impl<T: ByteArrayType> Keys<Text<T>> for Texts
where
    Text<T>: for<'a> Kind<Item<'a> = &'a [u8]>,
{
    fn new() -> Self {
        Texts { slots: Slots::new(), texts: Vec::new(), data: Vec::new(), seed: *SEED }
    }

    #[inline(always)]
    fn key(&mut self, text: &[u8]) -> u32 {
        let Texts { slots, texts, data, seed } = self;
        let head = Head::of(text);
        let hash = head.hash(text, *seed);
        let is_it = |key: u32| {
            let (known, start) = Texts::text(texts, data, key);
            known == head && (head.len <= Head::WHOLE || data[start..start + head.len] == *text)
        };
        match slots.find(hash, is_it) {
            Ok(key) => key,
            Err(at) => {
                let key = texts.len() as u32;
                texts.push(Known { head, start: data.len() });
                data.extend_from_slice(text);
                slots.insert(at, hash, key, |key| {
                    let (head, start) = Texts::text(texts, data, key);
                    head.hash(&data[start..start + head.len], *seed)
                });
                key
            }
        }
    }

    fn get(&self, key: u32) -> &[u8] {
        let (head, start) = Texts::text(&self.texts, &self.data, key);
        &self.data[start..start + head.len]
    }

    fn len(&self) -> usize {
        self.texts.len()
    }

    fn bytes(&self) -> usize {
        4 * self.texts.len() + self.data.len()
    }
}
