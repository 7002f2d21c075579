//! Engines.

use crate::boundary::export;
use crate::cast::{Given, Out, Ref, Sized32, Text};
use crate::error::Failure;
use crate::handle::{self, Handle};
use crate::status::Status;
use engine::Engine;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `trommel_engine`.
#[derive(Debug)]
pub(crate) struct EngineHandle {
    pub(crate) engine: Engine,
    pub(crate) home: Home,
    /// Pipelines that have been made on it and not freed.
    pub(crate) pipelines: Arc<AtomicUsize>,
}

impl Handle for EngineHandle {
    const NAME: &'static str = "trommel_engine";
}

/// The process that a handle belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home(u32);

impl Home {
    pub(crate) fn here() -> Self {
        Home(std::process::id())
    }

    /// Refuses a child of the process: threads are not copied by `fork`, and locks may be held by
    /// ones that are not there.
    pub(crate) fn check(self) -> Result<(), Failure> {
        if self.0 == std::process::id() {
            return Ok(());
        }
        let message = "the engine was made before fork, by the parent: make one in the child";
        Err(Failure::Call(Status::Forked, message.to_owned()))
    }
}

/// `trommel_engine_options`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct EngineOptions {
    size: u32,
    workers: u32,
    stack_bytes: u64,
    thread_name: Text,
}

// SAFETY: `repr(C)`, begins with its size, holds numbers and pointers.
unsafe impl Sized32 for EngineOptions {
    const LEAST: usize = size_of::<EngineOptions>();
    const NAME: &'static str = "trommel_engine_options";
}

export! {
    /// Makes an engine and starts its threads.
    status fn trommel_engine_new(options: Given<EngineOptions>, engine: Out<*mut EngineHandle>) => {
        let engine = engine.required("engine")?;
        let mut builder = Engine::builder();
        if let Some(options) = options.optional()? {
            builder = builder.workers(options.workers as usize);
            if options.stack_bytes > 0 {
                let bytes = usize::try_from(options.stack_bytes);
                builder = builder.stack_bytes(bytes.unwrap_or(usize::MAX));
            }
            if let Some(name) = options.thread_name.optional("thread_name")? {
                builder = builder.thread_name(name);
            }
        }
        let handle = EngineHandle {
            engine: builder.build()?,
            home: Home::here(),
            pipelines: Arc::default(),
        };
        engine.set(handle::hand_out(handle));
        Ok(())
    }

    /// Threads in its pool; 0 when the handle is NULL.
    value fn trommel_engine_workers(engine: Ref<EngineHandle>) -> u32, or 0 => {
        engine.get().ok().map(|engine| engine.engine.workers() as u32)
    }

    /// Ends its threads and waits for them.
    quiet fn trommel_engine_free(engine: Ref<EngineHandle>) => {
        if engine.address().is_null() {
            return Ok(());
        }
        let handle = engine.get()?;
        // The parent's threads are not here to be waited for; what they left stays as it is.
        handle.home.check()?;
        let pipelines = handle.pipelines.load(Ordering::SeqCst);
        if pipelines > 0 {
            let message = format!("the engine has {pipelines} pipelines: free them first");
            return Err(Failure::state(message));
        }
        handle::take_back(engine.address()).map(drop)
    }
}
