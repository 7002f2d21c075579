//! The numbers of the enums of `trommel.h`, those of `trommel_status` aside. Each module is an enum of
//! that name, each constant one of its numbers: `tests/header.rs` compares them.

/// `trommel_stage`.
pub(crate) mod stage {
    pub(crate) const NONE: i32 = 0;
    pub(crate) const SOURCE: i32 = 1;
    pub(crate) const TRANSFORM: i32 = 2;
    pub(crate) const SINK: i32 = 3;
}

/// `trommel_tier`.
pub(crate) mod tier {
    pub(crate) const NONE: u32 = 0;
    pub(crate) const MEMORY: u32 = 1;
    pub(crate) const LIGHT: u32 = 2;
    pub(crate) const HEAVY: u32 = 3;
    pub(crate) const NETWORK: u32 = 4;
    pub(crate) const DATABASE: u32 = 5;
}

/// `trommel_order`.
pub(crate) mod order {
    pub(crate) const ORDERED: u32 = 0;
    pub(crate) const AS_COMPLETED: u32 = 1;
}

/// `trommel_on_reject`.
pub(crate) mod on_reject {
    pub(crate) const STOP: u32 = 0;
    pub(crate) const SKIP: u32 = 1;
    pub(crate) const FILE: u32 = 2;
    pub(crate) const WITH_DATA: u32 = 3;
}

/// `trommel_on_panic`.
pub(crate) mod on_panic {
    pub(crate) const FAIL: u32 = 0;
    pub(crate) const REJECT: u32 = 1;
}

/// `trommel_outcome`.
pub(crate) mod outcome {
    pub(crate) const FINISHED: i32 = 0;
    pub(crate) const CANCELLED: i32 = 1;
    pub(crate) const FAILED: i32 = 2;
}

/// `trommel_kind`: what a value is.
pub(crate) mod kind {
    pub(crate) const NULL: u32 = 0;
    pub(crate) const INTEGER: u32 = 1;
    pub(crate) const REAL: u32 = 2;
    pub(crate) const TEXT: u32 = 3;
    pub(crate) const BLOB: u32 = 4;
}

/// `trommel_verdict`: what a transform says of a row.
pub(crate) mod verdict {
    /// The row goes on: its fixed-size output where there is one, else the row itself.
    pub(crate) const KEEP: u8 = 0;
    /// The row goes nowhere.
    pub(crate) const FILTER: u8 = 1;
    /// The row is bad.
    pub(crate) const REJECT: u8 = 2;
    /// What was written for the row goes on.
    pub(crate) const WRITTEN: u8 = 3;
}
