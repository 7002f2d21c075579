//! Types of values: how they are taken out of arrays, compared, and laid down.

use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType, GenericByteArray, PrimitiveArray};
use parquet::data_type::{self as stored, ByteArray, DataType};
use parquet::file::statistics::{Statistics, ValueStatistics};
use std::marker::PhantomData;

/// Bytes of a text that can be the smallest or largest of a page or chunk; those of longer ones are
/// not kept.
const LONGEST_BOUND: usize = 64;

/// A type of values.
pub(super) trait Kind: Sized + Send + 'static {
    type Array: Array + 'static;
    type Item<'a>: Copy;
    /// An item that outlives its array.
    type Owned: Clone + Send;

    /// Whether there are values that compare with none.
    const IS_FLOAT: bool = false;
    /// Whether values have lengths of their own.
    const IS_BYTES: bool = false;

    fn value(array: &Self::Array, row: usize) -> Self::Item<'_>;
    fn item(owned: &Self::Owned) -> Self::Item<'_>;
    fn owned(item: Self::Item<'_>) -> Self::Owned;
    fn is_less(one: Self::Item<'_>, other: Self::Item<'_>) -> bool;
    fn is_nan(_: Self::Item<'_>) -> bool {
        false
    }
    /// Whether it can be the smallest or largest of a page.
    fn can_bound(_: Self::Item<'_>) -> bool {
        true
    }
    /// Bytes that it takes when it lies there as it is.
    fn width(item: Self::Item<'_>) -> usize;
    /// Lays it down as it is.
    fn plain(item: Self::Item<'_>, into: &mut Vec<u8>);
    fn statistics(counts: Counts, bounds: Option<&Bounds<Self>>) -> Statistics;
}

/// Smallest and largest.
pub(super) type Bounds<K> = (<K as Kind>::Owned, <K as Kind>::Owned);

/// Widens bounds by an item that compares with others.
#[inline(always)]
pub(super) fn widen<K: Kind>(bounds: &mut Option<Bounds<K>>, item: K::Item<'_>) {
    match bounds {
        None => *bounds = Some((K::owned(item), K::owned(item))),
        Some((min, _)) if K::is_less(item, K::item(min)) => *min = K::owned(item),
        Some((_, max)) if K::is_less(K::item(max), item) => *max = K::owned(item),
        Some(_) => {}
    }
}

/// What statistics count.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) nulls: u64,
    pub(super) nans: Option<u64>,
    /// Whether the type's order is the signed one, so that old readers understand the bounds.
    pub(super) is_signed: bool,
}

fn with_counts<D: DataType>(
    min: Option<D::T>,
    max: Option<D::T>,
    counts: Counts,
) -> ValueStatistics<D::T> {
    ValueStatistics::new(min, max, None, Some(counts.nulls), false)
        .with_nan_count(counts.nans)
        .with_backwards_compatible_min_max(counts.is_signed)
}

/// Numbers of an Arrow type.
pub(super) struct Number<T>(PhantomData<T>);

/// An Arrow type of numbers: how they are stored and told apart.
pub(super) trait Stored: ArrowPrimitiveType {
    type Physical;
    const IS_FLOAT: bool = false;
    fn physical(value: Self::Native) -> Self::Physical;
    fn bits(value: Self::Native) -> u64;
    fn is_nan(_: Self::Native) -> bool {
        false
    }
    /// The smallest and largest, as readers want them.
    fn bound(value: Self::Native, _is_largest: bool) -> Self::Native {
        value
    }
}

macro_rules! stored {
    ($($type:ty => $physical:ty;)*) => {$(
        impl Stored for $type {
            type Physical = $physical;
            #[inline(always)]
            fn physical(value: Self::Native) -> $physical {
                // An unsigned number keeps its bits.
                value as $physical
            }
            #[inline(always)]
            fn bits(value: Self::Native) -> u64 {
                value as u64
            }
        }
    )*};
}
stored! {
    Int8Type => i32; Int16Type => i32; Int32Type => i32; Date32Type => i32;
    UInt8Type => i32; UInt16Type => i32; UInt32Type => i32;
    Int64Type => i64; UInt64Type => i64;
    TimestampMillisecondType => i64; TimestampMicrosecondType => i64;
    TimestampNanosecondType => i64;
}

macro_rules! stored_float {
    ($($type:ty => $physical:ty;)*) => {$(
        impl Stored for $type {
            type Physical = $physical;
            const IS_FLOAT: bool = true;
            #[inline(always)]
            fn physical(value: $physical) -> $physical {
                value
            }
            #[inline(always)]
            fn bits(value: $physical) -> u64 {
                value.to_bits().into()
            }
            #[inline(always)]
            fn is_nan(value: $physical) -> bool {
                value.is_nan()
            }
            // The format: a smallest zero is negative and a largest one positive, since they compare
            // as equal and both may be there.
            fn bound(value: $physical, is_largest: bool) -> $physical {
                match value == 0.0 {
                    true if is_largest => 0.0,
                    true => -0.0,
                    false => value,
                }
            }
        }
    )*};
}
stored_float! { Float32Type => f32; Float64Type => f64; }

macro_rules! numbers {
    ($($physical:ty, $stored:ty: $($type:ty),*;)*) => {$($(
        impl Kind for Number<$type> {
            type Array = PrimitiveArray<$type>;
            type Item<'a> = <$type as ArrowPrimitiveType>::Native;
            type Owned = <$type as ArrowPrimitiveType>::Native;
            const IS_FLOAT: bool = <$type as Stored>::IS_FLOAT;

            #[inline(always)]
            fn value(array: &Self::Array, row: usize) -> Self::Owned {
                array.value(row)
            }
            fn item(owned: &Self::Owned) -> Self::Owned {
                *owned
            }
            fn owned(item: Self::Owned) -> Self::Owned {
                item
            }
            #[inline(always)]
            fn is_less(one: Self::Owned, other: Self::Owned) -> bool {
                one < other
            }
            #[inline(always)]
            fn is_nan(item: Self::Owned) -> bool {
                <$type>::is_nan(item)
            }
            fn width(_: Self::Owned) -> usize {
                size_of::<$physical>()
            }
            #[inline(always)]
            fn plain(item: Self::Owned, into: &mut Vec<u8>) {
                into.extend_from_slice(&<$type>::physical(item).to_le_bytes());
            }
            fn statistics(counts: Counts, bounds: Option<&Bounds<Self>>) -> Statistics {
                let bound = |value, is_largest| <$type>::physical(<$type>::bound(value, is_largest));
                let min = bounds.map(|(min, _)| bound(*min, false));
                let max = bounds.map(|(_, max)| bound(*max, true));
                with_counts::<$stored>(min, max, counts).into()
            }
        }
    )*)*};
}
numbers! {
    i32, stored::Int32Type: Int8Type, Int16Type, Int32Type, UInt8Type, UInt16Type, UInt32Type, Date32Type;
    i64, stored::Int64Type: Int64Type, UInt64Type, TimestampMillisecondType,
        TimestampMicrosecondType, TimestampNanosecondType;
    f32, stored::FloatType: Float32Type;
    f64, stored::DoubleType: Float64Type;
}

/// Texts and byte strings of an Arrow type.
pub(super) struct Text<T>(PhantomData<T>);

impl<T: ByteArrayType<Native: AsRef<[u8]>> + Send> Kind for Text<T> {
    type Array = GenericByteArray<T>;
    type Item<'a> = &'a [u8];
    type Owned = Vec<u8>;
    const IS_BYTES: bool = true;

    #[inline(always)]
    fn value(array: &Self::Array, row: usize) -> &[u8] {
        array.value(row).as_ref()
    }
    fn item(owned: &Vec<u8>) -> &[u8] {
        owned
    }
    fn owned(item: &[u8]) -> Vec<u8> {
        item.to_vec()
    }
    #[inline(always)]
    fn is_less(one: &[u8], other: &[u8]) -> bool {
        one < other
    }
    fn can_bound(item: &[u8]) -> bool {
        item.len() <= LONGEST_BOUND
    }
    fn width(item: &[u8]) -> usize {
        4 + item.len()
    }
    #[inline(always)]
    fn plain(item: &[u8], into: &mut Vec<u8>) {
        into.extend_from_slice(&(item.len() as u32).to_le_bytes());
        into.extend_from_slice(item);
    }
    fn statistics(counts: Counts, bounds: Option<&(Vec<u8>, Vec<u8>)>) -> Statistics {
        let min = bounds.map(|(min, _)| ByteArray::from(min.clone()));
        let max = bounds.map(|(_, max)| ByteArray::from(max.clone()));
        with_counts::<stored::ByteArrayType>(min, max, counts).into()
    }
}
