//! Methods that the sources of every format of bytes have, written once.

/// Most bytes of a block: what lies in it is found by 30 bits.
pub(crate) const LARGEST_BLOCK: usize = 1 << 29;

/// For a `Builder` with `block_bytes`, `compression` and
/// `fn read(self, inputs: impl FnOnce(Compression) -> Result<Inputs>) -> Result<Source>`.
/// What is given is added to the docs of `open_many`.
macro_rules! open_inputs {
    ($(#[$many:meta])*) => {
        /// Bytes per block, at most; a record that is longer gets a block of its own. Default: 0,
        /// which means as many as the rows asked for are expected to take.
        pub fn block_size(mut self, bytes: usize) -> Self {
            self.block_bytes = bytes;
            self
        }

        /// How the input is compressed. Default:
        /// [`Compression::Auto`](crate::input::Compression::Auto), by the extension of the file;
        /// readers and standard input are not.
        pub fn compression(mut self, compression: crate::input::Compression) -> Self {
            self.compression = compression;
            self
        }

        /// Opens a file. A pipe or device is read like a [`reader`](Self::from_reader).
        ///
        /// # Errors
        /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when an option cannot work (the message
        /// starts with its name) or a header can't be used;
        /// [`ErrorKind::Io`](trommel::ErrorKind::Io) when the file can't be opened, can't be
        /// decompressed or is a directory.
        pub fn open(self, path: impl AsRef<std::path::Path>) -> Result<Source> {
            self.read(|compression| crate::input::Inputs::file(path.as_ref(), compression))
        }

        /// Opens several files as one source: read one after another in the given order, with
        /// records, lines and byte offsets that count from the start of each.
        $(#[$many])*
        ///
        /// # Errors
        /// As [`open`](Self::open), and [`ErrorKind::Io`](trommel::ErrorKind::Io) when one is not a
        /// regular file; all are looked at before the first is read. A header that differs ends the
        /// run when its file is reached.
        pub fn open_many(
            self,
            paths: impl IntoIterator<Item = impl Into<std::path::PathBuf>>,
        ) -> Result<Source> {
            let paths = paths.into_iter().map(Into::into).collect();
            self.read(|compression| crate::input::Inputs::files(paths, compression))
        }

        /// As [`open_many`](Self::open_many) with the regular files that match a pattern (`*`, `?`,
        /// `[a-z]`, `**` for directories of any depth), in the order of their names.
        ///
        /// # Errors
        /// As [`open_many`](Self::open_many), and [`ErrorKind::Io`](trommel::ErrorKind::Io) when
        /// there is none.
        pub fn open_glob(self, pattern: &str) -> Result<Source> {
            self.open_many(crate::listing::matching(pattern)?)
        }

        /// As [`open_many`](Self::open_many) with the regular files of a directory, in the order of
        /// their names. Files whose name starts with `.` or `_` (markers and half-written files of
        /// other programs) and directories in it are left out.
        ///
        /// # Errors
        /// As [`open_many`](Self::open_many), and [`ErrorKind::Io`](trommel::ErrorKind::Io) when
        /// there is none.
        pub fn open_directory(self, path: impl AsRef<std::path::Path>) -> Result<Source> {
            self.open_many(crate::listing::in_directory(path.as_ref())?)
        }

        /// Reads from anything; `name` is what messages call it. No row is read yet.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn from_reader(
            self,
            name: impl Into<Box<str>>,
            reader: impl std::io::Read + Send + 'static,
        ) -> Result<Source> {
            self.read(|compression| crate::input::Inputs::reader(name, reader, compression))
        }

        /// Reads standard input.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn stdin(self) -> Result<Source> {
            self.from_reader("standard input", std::io::stdin())
        }

        fn check_block_size(&self) -> Result<()> {
            const LARGEST: usize = crate::input::LARGEST_BLOCK;
            match self.block_bytes {
                ..=LARGEST => Ok(()),
                bytes => {
                    let message = format!("block_size: {bytes} is above {LARGEST}");
                    Err(trommel::Error::config(message))
                }
            }
        }
    };
}
pub(crate) use open_inputs;

/// For a `Source` with such a `Builder`: the same with its defaults.
macro_rules! open_by_default {
    () => {
        /// Opens several files as one source, in the given order.
        ///
        /// # Errors
        /// As [`Builder::open_many`].
        pub fn open_many(
            paths: impl IntoIterator<Item = impl Into<std::path::PathBuf>>,
        ) -> Result<Self> {
            Builder::new().open_many(paths)
        }

        /// Opens the files that match a pattern like `2013/*.gz`, in the order of their names.
        ///
        /// # Errors
        /// As [`Builder::open_glob`].
        pub fn open_glob(pattern: &str) -> Result<Self> {
            Builder::new().open_glob(pattern)
        }

        /// Opens the files of a directory, in the order of their names.
        ///
        /// # Errors
        /// As [`Builder::open_directory`].
        pub fn open_directory(path: impl AsRef<std::path::Path>) -> Result<Self> {
            Builder::new().open_directory(path)
        }

        /// Reads standard input. A header is waited for.
        ///
        /// # Errors
        /// As [`from_reader`](Self::from_reader).
        pub fn stdin() -> Result<Self> {
            Builder::new().stdin()
        }

        /// Options other than the defaults.
        pub fn builder() -> Builder {
            Builder::new()
        }
    };
}
pub(crate) use open_by_default;

/// The methods of `trommel::Source` that are the feeder's alone.
macro_rules! forward_feeder {
    () => {
        /// Byte offset, record and line, and the file if there are several; for regular files only.
        fn position(&self) -> Option<Position> {
            self.feeder.position()
        }

        fn seek(&mut self, position: &Position) -> Result<()> {
            self.feeder.seek(position)
        }

        fn fingerprint(&self) -> Result<Option<Fingerprint>> {
            self.feeder.fingerprint()
        }

        fn size(&self) -> Size {
            self.feeder.size()
        }

        /// Bytes as they are stored, from the start of the input, those before a position it was
        /// resumed from included.
        fn bytes_read(&self) -> u64 {
            self.feeder.bytes_read()
        }
    };
}
pub(crate) use forward_feeder;
