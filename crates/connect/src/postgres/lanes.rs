//! Several connections at once: pages wait in one queue, and each connection takes the next one.
//!
//! Each connection commits what it has as soon as nothing waits for it, and at the latest when a
//! transaction is due. So none holds locks while it has nothing to do: where two of them want the
//! same key, one waits for the other's commit, and where they wait for each other the server sees
//! it.

use super::copy::Copy;
use super::encode::{Encoder, Page};
use super::lane::Lane;
use super::session::{Session, too_late};
use super::table::Settings;
use crate::table::Mode;
use crate::threads;
use crate::verify::Digest;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use trommel::{Class, Error, ErrorKind, Page as _, Result};

/// The caller's end.
#[derive(Debug)]
pub(super) struct Lanes {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// When all of them had committed everything.
    settled: Instant,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// No more pages than lanes.
    waiting: VecDeque<Page>,
    /// Their buffers, for the next ones.
    empty: Vec<Page>,
    lanes: Vec<At>,
    /// Rows that are committed.
    stored: u64,
    /// What they come to, if that is to be verified.
    given: Digest,
    ends: bool,
}

/// Where a lane is.
#[derive(Debug)]
enum At {
    /// It has committed everything, and waits for a page.
    Idle,
    Busy,
    /// Its latest call has failed; it goes on when it is told to. The error, until it was handed
    /// over.
    Failed(Option<Error>),
}

/// What a lane knows of the load.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) copy: Arc<Copy>,
    pub(super) encoder: Encoder,
    pub(super) settings: Settings,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as `holds`, or until a lane fails; lanes that had failed go on first.
    fn wait_while(&self, holds: impl Fn(&State) -> bool) -> Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.retry();
        self.changed.notify_all();
        loop {
            if let Some(error) = state.failure() {
                return Err(error);
            }
            if !holds(&state) {
                return Ok(state);
            }
            state = self.wait(state);
        }
    }
}

impl State {
    /// An error that nobody has been told of.
    fn failure(&mut self) -> Option<Error> {
        self.lanes.iter_mut().find_map(|at| match at {
            At::Failed(error) => error.take(),
            _ => None,
        })
    }

    /// The caller has come again: what had failed is tried again.
    fn retry(&mut self) {
        for at in &mut self.lanes {
            if matches!(at, At::Failed(None)) {
                *at = At::Busy;
            }
        }
    }

    fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.lanes.iter().all(|at| matches!(at, At::Idle))
    }
}

impl Lanes {
    /// Starts a thread for each session.
    pub(super) fn start(sessions: Vec<Session>, work: &Work) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        shared.lock().lanes.extend(sessions.iter().map(|_| At::Busy));
        let mut lanes = Lanes { shared, threads: Vec::new(), settled: Instant::now() };
        for (number, session) in sessions.into_iter().enumerate() {
            let runner = Runner {
                shared: Arc::clone(&lanes.shared),
                number,
                lane: Lane::new(session, work.settings.verify),
                work: work.clone(),
                rows: 0,
            };
            let name = format!("trommel-postgres-{number}");
            let thread = threads::start(name, move || runner.run_guarded())
                .map_err(|error| Error::new(ErrorKind::Io, "connections").caused_by(error))?;
            lanes.threads.push(thread);
        }
        Ok(lanes)
    }

    /// Queues a page, which is empty afterwards; waits while the queue is full. After an error the
    /// page is as it was.
    pub(super) fn write(&mut self, page: &mut Page) -> Result<()> {
        let full = |state: &State| state.waiting.len() >= state.lanes.len();
        let queued = self.shared.wait_while(full).map(|mut state| {
            let empty = state.empty.pop().unwrap_or_default();
            state.waiting.push_back(std::mem::replace(page, empty));
            self.shared.changed.notify_all();
        });
        queued.map_err(|error| self.explain(error))
    }

    /// Waits until everything is committed.
    pub(super) fn settle(&mut self) -> Result<()> {
        let settled = self.shared.wait_while(|state| !state.is_settled()).map(drop);
        self.settled = Instant::now();
        settled.map_err(|error| self.explain(error))
    }

    /// What the table was given, once all of it is committed.
    pub(super) fn given(&self) -> Digest {
        self.shared.lock().given
    }

    /// Whether something may have been left uncommitted for this long.
    pub(super) fn is_due(&self, interval: Duration) -> bool {
        self.settled.elapsed() >= interval
    }

    /// When there is nothing to be tried again, the others are stopped too, and the error says what
    /// stays.
    fn explain(&mut self, error: Error) -> Error {
        if error.class() == Class::Transient {
            return error;
        }
        self.end();
        let stored = self.shared.lock().stored;
        let column = error.column().map(str::to_owned);
        let told = Error::new(
            error.kind(),
            format!(
                "connections: each commits on its own, and {stored} rows of this run had been \
                 committed: they stay"
            ),
        )
        .caused_by(error);
        match column {
            Some(column) => told.in_column(column),
            None => told,
        }
    }

    /// Takes back what is not committed, and joins the threads.
    fn end(&mut self) {
        self.shared.lock().ends = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A panic has been reported as the lane's failure.
            _ = thread.join();
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.end();
    }
}

/// A lane, in its thread.
struct Runner {
    shared: Arc<Shared>,
    number: usize,
    lane: Lane,
    work: Work,
    /// Rows that are not committed.
    rows: u64,
}

/// What a lane does next.
#[expect(clippy::large_enum_variant, reason = "made once for each page, and not kept")]
enum Next {
    Store(Page),
    Commit,
    End,
}

impl Runner {
    fn run_guarded(self) {
        let (shared, number) = (Arc::clone(&self.shared), self.number);
        if catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
            let error = Error::new(ErrorKind::Panic, "a connection's thread has panicked");
            shared.lock().lanes[number] = At::Failed(Some(error));
            shared.changed.notify_all();
        }
    }

    fn run(mut self) {
        loop {
            let went_on = match self.next() {
                Next::Store(mut page) => {
                    let went_on = self.until_done(|runner| runner.store(&mut page));
                    page.clear();
                    self.shared.lock().empty.push(page);
                    went_on && (!self.is_due() || self.until_done(Self::commit))
                }
                Next::Commit => self.until_done(Self::commit),
                Next::End => false,
            };
            if !went_on {
                return self.lane.session.abort();
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.shared.lock();
        loop {
            if state.ends {
                return Next::End;
            }
            if let Some(page) = state.waiting.pop_front() {
                state.lanes[self.number] = At::Busy;
                self.shared.changed.notify_all();
                return Next::Store(page);
            }
            if self.lane.session.transaction.is_some() {
                return Next::Commit;
            }
            state.lanes[self.number] = At::Idle;
            self.shared.changed.notify_all();
            state = self.shared.wait(state);
        }
    }

    /// Calls again and again, as often as the caller wants; whether it has succeeded.
    fn until_done(&mut self, mut call: impl FnMut(&mut Self) -> Result<()>) -> bool {
        while let Err(error) = call(self) {
            let mut state = self.shared.lock();
            state.lanes[self.number] = At::Failed(Some(error));
            self.shared.changed.notify_all();
            while !state.ends && matches!(state.lanes[self.number], At::Failed(_)) {
                state = self.shared.wait(state);
            }
            if state.ends {
                return false;
            }
        }
        true
    }

    fn store(&mut self, page: &mut Page) -> Result<()> {
        let rows = page.ends.len() as u64;
        let Some(plan) = self.work.encoder.plan.get() else {
            return Err(Error::fatal("a page came before its table"));
        };
        self.lane.store(&self.work.copy, plan, page)?;
        if let Some((_, fault)) = self.lane.faults.drain(..).next() {
            return Err(too_late(fault));
        }
        self.rows += rows;
        Ok(())
    }

    fn is_due(&self) -> bool {
        // Rows that are merged lock each other's keys, and in no common order.
        let merges = self.work.settings.mode != Mode::Append;
        let open = self.lane.session.transaction.as_ref();
        let commit = &self.work.settings.commit;
        open.is_some_and(|open| merges || commit.reached(open.rows, open.bytes, open.since))
    }

    fn commit(&mut self) -> Result<()> {
        let session = &mut self.lane.session;
        // A commit that was in doubt may turn out to have happened.
        session.begin(&self.work.copy, &self.lane.routes)?;
        if session.transaction.is_some() {
            session.commit(None, &[], None)?;
        }
        let mut state = self.shared.lock();
        state.stored += std::mem::take(&mut self.rows);
        if let Some(given) = &mut self.lane.given {
            state.given = state.given.plus(std::mem::take(given));
        }
        Ok(())
    }
}
