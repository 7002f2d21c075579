//! Explores schedules of the ring.
