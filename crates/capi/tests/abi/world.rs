//! Random programs over the header: which handles live, and what may be done with them.

use super::tape::Tape;
use super::{Engine, EngineOptions, Error, ErrorInfo, Pipeline, Sized32, c, text};
use arrow_array::ffi_stream::RecordBatchStreamReader;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Plays a program to its end and frees all. The current folder is where its files are.
///
/// # Panics
/// When the library does something else than the header says.
pub(crate) fn play(program: &[u8]) {
    let mut world = World::new(program);
    for _ in 0..80 {
        if world.tape.is_over() {
            break;
        }
        world.step();
    }
    world.end();
}

pub(super) const OK: c_int = 0;
pub(super) const STATE: c_int = 5;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) pipeline: *mut Pipeline,
    pub(super) engine: *mut Engine,
    /// It has begun to run, so that nothing of it can be changed any more.
    pub(super) has_run: bool,
    pub(super) written: Arc<AtomicU64>,
    pub(super) stream: Option<RecordBatchStreamReader>,
}

pub(super) struct World<'a> {
    pub(super) tape: Tape<'a>,
    pub(super) engines: Vec<*mut Engine>,
    pub(super) slots: Vec<Slot>,
    pub(super) errors: Vec<*mut Error>,
    pub(super) alive: Arc<AtomicUsize>,
}

pub(super) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(null(), |text| text.as_ptr())
}

impl<'a> World<'a> {
    fn new(program: &'a [u8]) -> Self {
        World {
            tape: Tape(program),
            engines: Vec::new(),
            slots: Vec::new(),
            errors: Vec::new(),
            alive: Arc::default(),
        }
    }

    /// Calls what reports through an error object, and looks at the object.
    pub(super) fn call(&mut self, call: impl FnOnce(*mut *mut Error) -> c_int) -> c_int {
        let mut error = null_mut();
        let wants = !self.tape.rarely(4);
        let status = call(if wants { &raw mut error } else { null_mut() });
        assert_eq!(error.is_null(), status == OK || !wants, "an error object exactly on failure");
        if !error.is_null() {
            assert_eq!(c!(trommel_error_status(error)), status);
            look_at(error);
            self.errors.push(error);
        }
        status
    }

    /// The number of a pipeline; none when there is none, and now and then.
    pub(super) fn some_slot(&mut self) -> Option<usize> {
        let index = self.tape.below(4);
        if self.slots.is_empty() || index == 3 && self.tape.rarely(4) {
            return None;
        }
        Some(index % self.slots.len())
    }

    /// Changes a pipeline's setup.
    pub(super) fn change(
        &mut self,
        change: impl FnOnce(*mut Pipeline, *mut *mut Error) -> c_int,
    ) -> c_int {
        let slot = self.some_slot();
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        let status = self.call(|error| change(pipeline, error));
        if slot.is_none_or(|slot| self.slots[slot].has_run) {
            assert_ne!(status, OK, "what runs, or is no pipeline, can't be changed");
        }
        status
    }

    fn step(&mut self) {
        match self.tape.below(30) {
            0 => self.new_engine(),
            1 => {
                let engine = self.some_engine();
                let used = self.slots.iter().any(|slot| slot.engine == engine);
                let status = c!(trommel_engine_free(engine));
                if !engine.is_null() {
                    assert_eq!(status, if used { STATE } else { OK });
                    self.engines.retain(|known| used || *known != engine);
                }
            }
            2 => {
                let engine = self.some_engine();
                assert_eq!(c!(trommel_engine_workers(engine)) == 0, engine.is_null());
                assert!(text(c!(trommel_version())).starts_with("0."));
                assert!(text(c!(trommel_features())).contains("csv"));
                assert!(c!(trommel_abi_version()) > 0);
            }
            3 => {
                self.new_pipeline();
            }
            4 => {
                if let Some(slot) = self.some_slot() {
                    self.free(slot);
                }
            }
            5 => self.describe(),
            6 | 7 => self.urls(),
            8 => self.columns(),
            9 | 10 => self.options(),
            11 | 12 => {
                let slot = self.some_slot();
                self.source(slot);
            }
            13 | 14 => {
                let slot = self.some_slot();
                self.transform(slot);
            }
            15 | 16 => {
                let slot = self.some_slot();
                self.sink(slot);
            }
            17 => self.on_progress(),
            18 => {
                let slot = self.some_slot();
                self.arrow_in(slot);
            }
            19 | 20 => self.run(),
            21 => self.start(),
            22 => self.wait(),
            23 => {
                let slot = self.some_slot();
                let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
                c!(trommel_pipeline_cancel(pipeline));
            }
            24 => self.ask(),
            25 => {
                let slot = self.some_slot();
                self.stream(slot);
            }
            26 => self.pull(),
            27 => {
                if let Some(error) = self.errors.pop() {
                    assert_eq!(c!(trommel_error_free(error)), OK);
                }
            }
            28 => {
                // A whole pipeline of callbacks, so that programs come to running something.
                let slot = self.new_pipeline();
                self.source(slot);
                self.transform(slot);
                self.sink(slot);
            }
            _ => {
                let slot = self.new_pipeline();
                self.arrow_in(slot);
                self.transform(slot);
                self.stream(slot);
            }
        }
    }

    fn some_engine(&mut self) -> *mut Engine {
        let index = self.tape.below(3);
        self.engines.get(index).copied().unwrap_or(null_mut())
    }

    fn new_engine(&mut self) {
        if self.engines.len() == 2 {
            return;
        }
        let mut options = EngineOptions::sized();
        options.size = self.tape.size(options.size);
        options.workers = self.tape.pick(&[1, 2, 3, 1, 2, u32::MAX]);
        options.stack_bytes = self.tape.pick(&[0, 0, 0, 1, 1 << 18, u64::MAX]);
        let name = self.tape.text(&["", "worker", "a name that is longer than threads may have"]);
        options.thread_name = pointer(name.as_ref());
        let mut engine = null_mut();
        let given = if self.tape.rarely(8) { null() } else { &raw const options };
        if self.call(|error| c!(trommel_engine_new(given, &raw mut engine, error))) == OK {
            self.engines.push(engine);
        } else {
            assert!(engine.is_null(), "outputs are written only on success");
        }
    }

    fn new_pipeline(&mut self) -> Option<usize> {
        if self.slots.len() == 3 {
            return None;
        }
        if self.engines.is_empty() {
            self.new_engine();
        }
        let engine = self.engines.first().copied().unwrap_or(null_mut());
        let mut pipeline = null_mut();
        if self.call(|error| c!(trommel_pipeline_new(engine, &raw mut pipeline, error))) != OK {
            assert!(engine.is_null() && pipeline.is_null());
            return None;
        }
        let written = Arc::default();
        self.slots.push(Slot { pipeline, engine, has_run: false, written, stream: None });
        Some(self.slots.len() - 1)
    }

    fn free(&mut self, slot: usize) {
        let Slot { pipeline, stream, .. } = self.slots.swap_remove(slot);
        // A pipeline is freed after its stream.
        drop(stream);
        assert_eq!(c!(trommel_pipeline_free(pipeline)), OK);
    }

    fn end(mut self) {
        while !self.slots.is_empty() {
            self.free(0);
        }
        for engine in self.engines.drain(..) {
            assert_eq!(c!(trommel_engine_free(engine)), OK);
        }
        for error in self.errors.drain(..) {
            look_at(error);
            assert_eq!(c!(trommel_error_free(error)), OK);
        }
        assert_eq!(self.alive.load(Ordering::SeqCst), 0, "each user is dropped once");
    }
}

fn look_at(error: *const Error) {
    assert!(!text(c!(trommel_error_text(error))).is_empty());
    let mut error = error;
    while !error.is_null() {
        let mut info = ErrorInfo::sized();
        assert_eq!(c!(trommel_error_info_get(error, &raw mut info)), OK);
        for text in [info.text, info.message, info.source, info.column] {
            // SAFETY: texts of the error, which lives.
            let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
            assert!(text.is_none_or(|text| text.to_str().is_ok()));
        }
        assert!((1..=18).contains(&info.status) && (0..=3).contains(&info.stage), "{info:?}");
        error = info.cause;
    }
}
