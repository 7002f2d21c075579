//! The best that a second thread can do for a small job: it never sleeps, and takes one half.

use super::sequential;
use crate::origin::Tally;
use crate::workload::Users;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::hint::spin_loop;
use std::thread::{self, JoinHandle};
use trommel_record::UserRecord;

/// Users in two halves, and a thread that waits for one of them without ever sleeping.
#[derive(Debug)]
pub struct Halves {
    first: Users,
    second: Users,
    thread: Option<JoinHandle<()>>,
    work: Option<Sender<Vec<UserRecord>>>,
    done: Receiver<(Vec<UserRecord>, Tally)>,
}

impl Halves {
    /// Twice the users with ids from 0 to `rows / 2 - 1`.
    pub fn new(rows: u64) -> Self {
        let (work, given) = bounded::<Vec<UserRecord>>(1);
        let (give_back, done) = bounded(1);
        let run = move || {
            loop {
                match given.try_recv() {
                    Ok(mut users) => {
                        let tally = sequential::slice(&mut users);
                        give_back.send((users, tally)).expect("the receiver outlives this thread");
                    }
                    Err(TryRecvError::Empty) => spin_loop(),
                    Err(TryRecvError::Disconnected) => return,
                }
            }
        };
        let half = || Users::new("half", rows / 2);
        let (first, second, work) = (half(), half(), Some(work));
        Halves { first, second, thread: Some(thread::spawn(run)), work, done }
    }

    /// The tally of all users.
    pub fn expected(&self) -> Tally {
        let mut tally = self.first.workload.expected;
        tally.merge(self.second.workload.expected);
        tally
    }

    /// Takes the changes back.
    pub fn reset(&mut self) {
        self.first.reset();
        self.second.reset();
    }

    /// One half here, one there.
    pub fn together(&mut self) -> Tally {
        let work = self.work.as_ref().expect("only drop takes it");
        let second = std::mem::take(&mut self.second.records);
        work.send(second).expect("the thread lives as long as this");
        let mut tally = sequential::slice(&mut self.first.records);
        let (second, other) = loop {
            match self.done.try_recv() {
                Ok(done) => break done,
                Err(TryRecvError::Empty) => spin_loop(),
                Err(TryRecvError::Disconnected) => panic!("the other half's thread has gone"),
            }
        };
        self.second.records = second;
        tally.merge(other);
        tally
    }

    /// One half after the other.
    pub fn alone(&mut self) -> Tally {
        let mut tally = sequential::slice(&mut self.first.records);
        tally.merge(sequential::slice(&mut self.second.records));
        tally
    }
}

impl Drop for Halves {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
