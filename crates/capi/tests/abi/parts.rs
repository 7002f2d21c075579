//! What a pipeline is given with callbacks: sources, transforms, sinks, progress.

use super::world::{OK, World};
use super::{Error, Pipeline, Sink, Sized32, Source, Transform, c, callbacks};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

impl World<'_> {
    /// What callbacks get, and their script.
    fn user(&mut self, slot: Option<usize>, record_size: u32) -> *mut c_void {
        let steps = self.tape.below(20);
        let script = (0..steps).map(|_| self.tape.byte()).collect();
        let rows = u16::from(self.tape.byte()) * self.tape.pick(&[1, 16]);
        let nobody = Arc::default();
        let written = slot.map_or(&nobody, |slot| &self.slots[slot].written);
        callbacks::User::hand_out(script, rows, record_size, written, &self.alive)
    }

    /// Hands `user` over, which stays the caller's on failure.
    fn give(
        &mut self,
        slot: Option<usize>,
        user: *mut c_void,
        give: impl FnOnce(*mut Pipeline, *mut *mut Error) -> c_int,
    ) {
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        if self.call(|error| give(pipeline, error)) != OK {
            // SAFETY: made just now, and refused.
            unsafe { callbacks::drop_user(user) };
        } else {
            assert!(slot.is_some_and(|slot| !self.slots[slot].has_run));
        }
    }

    fn record_size(&mut self) -> u32 {
        self.tape.pick(&[8, 8, 8, 0, 0, 1, 12, 64, 1000])
    }

    pub(super) fn source(&mut self, slot: Option<usize>) {
        let mut source = Source::sized();
        source.size = self.tape.size(source.size);
        source.record_size = self.record_size();
        source.rows = self.tape.number();
        source.fill = (!self.tape.rarely(16)).then_some(callbacks::fill as _);
        source.user = self.user(slot, source.record_size);
        source.drop = Some(callbacks::drop_user);
        self.give(slot, source.user, |p, e| c!(trommel_pipeline_source(p, &raw const source, e)));
    }

    pub(super) fn transform(&mut self, slot: Option<usize>) {
        let mut transform = Transform::sized();
        transform.size = self.tape.size(transform.size);
        transform.output_size = self.tape.pick(&[0, 0, 0, 8, 12, 64]);
        transform.apply = (!self.tape.rarely(16)).then_some(callbacks::apply as _);
        transform.user = self.user(slot, 8);
        transform.drop = Some(callbacks::drop_user);
        let given = &raw const transform;
        self.give(slot, transform.user, |p, e| c!(trommel_pipeline_transform(p, given, e)));
    }

    pub(super) fn sink(&mut self, slot: Option<usize>) {
        let mut sink = Sink::sized();
        sink.size = self.tape.size(sink.size);
        sink.record_size = self.record_size();
        sink.write = (!self.tape.rarely(16)).then_some(callbacks::write as _);
        let which = self.tape.byte();
        sink.commit = (which & 1 > 0).then_some(callbacks::step as _);
        sink.finish = (which & 2 > 0).then_some(callbacks::step as _);
        sink.abort = (which & 4 > 0).then_some(callbacks::step as _);
        sink.user = self.user(slot, sink.record_size);
        sink.drop = Some(callbacks::drop_user);
        self.give(slot, sink.user, |p, e| c!(trommel_pipeline_sink(p, &raw const sink, e)));
    }

    pub(super) fn on_progress(&mut self) {
        let slot = self.some_slot();
        let user = self.user(slot, 0);
        let call = (!self.tape.rarely(8)).then_some(callbacks::on_progress as _);
        let release = Some(callbacks::drop_user as _);
        self.give(slot, user, |p, e| c!(trommel_pipeline_on_progress(p, call, user, release, e)));
    }
}
