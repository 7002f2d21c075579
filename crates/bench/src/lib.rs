//! Workloads, floors and the report of Trommel.

pub mod origin;
