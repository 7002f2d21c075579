//! What a double passes on to the source or sink that it wraps.

/// The calls of a source, `fill` and `may_block` aside.
macro_rules! pass_on_source {
    () => {
        fn position(&self) -> Option<crate::Position> {
            self.inner.position()
        }
        fn seek(&mut self, position: &crate::Position) -> Result<()> {
            self.inner.seek(position)
        }
        fn fingerprint(&self) -> Result<Option<crate::Fingerprint>> {
            self.inner.fingerprint()
        }
        fn size(&self) -> crate::Size {
            self.inner.size()
        }
        fn bytes_read(&self) -> u64 {
            self.inner.bytes_read()
        }
    };
}

/// A sink around `inner` that does something `before` some calls.
macro_rules! wrap_sink {
    ($name:ident) => {
        impl<K: crate::Sink> crate::Sink for $name<K> {
            type Page = K::Page;
            type Encoder = K::Encoder;

            fn encoder(&mut self) -> Result<K::Encoder> {
                self.before(SinkCall::Encoder)?;
                self.inner.encoder()
            }
            fn write(&mut self, page: &mut K::Page) -> Result<()> {
                self.before(SinkCall::Write)?;
                self.inner.write(page)
            }
            fn commit(
                &mut self,
                checkpoint: &crate::Checkpoint,
                when: crate::Commit,
            ) -> Result<crate::Durability> {
                self.before(SinkCall::Commit)?;
                self.inner.commit(checkpoint, when)
            }
            fn finish(&mut self) -> Result<()> {
                self.before(SinkCall::Finish)?;
                self.inner.finish()
            }
            fn abort(&mut self) -> crate::Durability {
                self.inner.abort()
            }
            fn refuses_values(&self) -> bool {
                self.inner.refuses_values()
            }
            fn take_faults(&mut self, faults: &mut Vec<(usize, crate::Error)>) {
                self.inner.take_faults(faults);
            }
            fn keeps_rejects(&self) -> bool {
                self.inner.keeps_rejects()
            }
            fn keep_reject(&mut self, reject: &crate::Reject) -> Result<()> {
                self.before(SinkCall::KeepReject)?;
                self.inner.keep_reject(reject)
            }
            fn resume(&mut self, job: &str) -> Result<Option<crate::Checkpoint>> {
                self.inner.resume(job)
            }
            fn may_block(&self) -> bool {
                self.waits() || self.inner.may_block()
            }
            fn stays_on_caller(&self) -> bool {
                self.inner.stays_on_caller()
            }
            fn gives_up_order(&self) -> bool {
                self.inner.gives_up_order()
            }
        }

        impl<T, K: crate::Encode<T>> crate::Encode<T> for $name<K> {
            fn encode(encoder: &K::Encoder, page: &mut K::Page, value: T) -> Result<()> {
                K::encode(encoder, page, value)
            }
        }
    };
}

pub(super) use {pass_on_source, wrap_sink};
