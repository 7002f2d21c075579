//! What a user pays for.

coded_enum! {
    /// What a user pays for, cheapest first, in two bits.
    u2 Plan "plan" {
        Free = 0 => "free",
        Basic = 1 => "basic",
        Pro = 2 => "pro",
        Enterprise = 3 => "enterprise",
    }
}
