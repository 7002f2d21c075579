//! Packed users in memory.

use super::Workload;
use crate::floors::sequential;
use crate::origin::{SEED, generator};
use trommel_record::{Profile, UserRecord};

/// Packed users that a job changes in place, and what they were before.
#[derive(Debug)]
pub struct Users {
    /// The users.
    pub records: Vec<UserRecord>,
    /// Their profiles before any change; nothing else is changed by the job.
    profiles: Vec<Profile>,
    /// What the job over them comes to.
    pub workload: Workload,
}

impl Users {
    /// Users with ids from 0 to `rows - 1`.
    pub fn new(name: &'static str, rows: u64) -> Self {
        let records: Vec<UserRecord> = generator().records(0..rows).collect();
        let profiles = records.iter().map(UserRecord::profile).collect();
        let mut users = Users {
            records,
            profiles,
            workload: Workload {
                name,
                rows,
                row_bytes: 100,
                seed: SEED,
                expected: Default::default(),
            },
        };
        users.workload.expected = sequential::slice(&mut users.records);
        users.reset();
        users
    }

    /// Takes the changes back, so that every run sees the same users.
    pub fn reset(&mut self) {
        for (record, profile) in self.records.iter_mut().zip(&self.profiles) {
            *record.profile_mut() = *profile;
        }
    }
}
