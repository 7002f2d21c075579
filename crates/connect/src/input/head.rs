//! What the first bytes of an input say it is, when they say that it is no text.

use super::compression::Compression;
use super::cut::Cut;
use super::feed::Feeder;
use trommel::{Error, Result};

/// What a text may begin with in UTF-8, and which is not part of it.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// First bytes that are looked at.
pub(super) const LONGEST: usize = 16;

/// What an input begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Compressed by a method that is read here, by its name in
    /// [`Compression`](super::Compression).
    Packed(&'static str),
    /// Compressed, or packed, by another method; what its tool is called.
    Other(&'static str, &'static str),
    /// Text in another encoding.
    Utf16,
    /// A file of another kind, and what reads it.
    File(&'static str, &'static str),
    /// It may be one of them, but for that more bytes are needed.
    Unclear,
    /// Nothing that is known: text, most likely.
    Text,
}

/// Bytes that no UTF-8 text begins with, or none that could be meant.
const HEADS: &[(&[u8], Head)] = &[
    (b"\x1f\x8b", Head::Packed("gzip")),
    (b"\x28\xb5\x2f\xfd", Head::Packed("zstd")),
    (b"\xfd7zXZ\0", Head::Packed("xz")),
    (b"\x04\x22\x4d\x18", Head::Packed("lz4")),
    (b"\x1f\x9d", Head::Other("compress (.Z)", "zcat")),
    (b"PK\x03\x04", Head::Other("a zip archive", "unzip -p")),
    (b"PK\x05\x06", Head::Other("a zip archive", "unzip -p")),
    (b"7z\xbc\xaf\x27\x1c", Head::Other("a 7z archive", "7z x -so")),
    (b"\xff\xfe", Head::Utf16),
    (b"\xfe\xff", Head::Utf16),
    (b"PAR1\x15", Head::File("Parquet", "`parquet::Source`")),
    (b"ARROW1\0\0", Head::File("Arrow IPC", "`arrow::Source`")),
    (b"SQLite format 3\0", Head::File("SQLite", "`sqlite::Source`")),
];

/// The two numbers that bzip2 writes behind the size of its blocks: of a block, and of the end.
const BZIP2: [&[u8]; 2] = [b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"];

impl Head {
    /// What `data`, the first bytes there are, says; `is_all` when no more will come.
    pub(super) fn of(data: &[u8], is_all: bool) -> Self {
        let mut unclear = false;
        let mut begins = |magic: &[u8], data: &[u8]| {
            unclear |= data.len() < magic.len() && magic.starts_with(data);
            data.starts_with(magic)
        };
        if let Some((_, head)) = HEADS.iter().find(|(magic, _)| begins(magic, data)) {
            return *head;
        }
        if begins(b"BZh", data)
            && let [_, _, _, b'1'..=b'9', rest @ ..] = data
            && BZIP2.iter().any(|magic| begins(magic, rest))
        {
            return Head::Packed("bzip2");
        }
        unclear |= data == b"BZh";
        if unclear && !is_all { Head::Unclear } else { Head::Text }
    }

    /// What is wrong with an input that begins so and is read as text, and what to do.
    pub(super) fn fault(self) -> Option<String> {
        let text = ", or `Compression::None` if it is text all the same";
        match self {
            Head::Packed(name) => {
                let method = method(name);
                Some(format!("it begins like {name}: say `.compression({method})`{text}"))
            }
            Head::Other(name, tool) => Some(format!(
                "it begins like {name}, which is not read here: unpack it first, with `{tool}`, \
                 say{text}"
            )),
            Head::Utf16 => Some(format!(
                "it begins like UTF-16, and only UTF-8 is read here: convert it first, with `iconv \
                 -f UTF-16 -t UTF-8`, say{text}"
            )),
            Head::File(name, reader) => Some(format!("it is a file of {name}: use {reader}{text}")),
            Head::Unclear | Head::Text => None,
        }
    }

    /// What to do about an input that begins so and is no sound stream of the method `name`.
    pub(super) fn remedy(self, name: &str) -> Option<String> {
        match self {
            Head::Packed(other) if other == name => None,
            Head::Text | Head::Unclear => Some(format!(
                "it does not begin like {name}: say `.compression(Compression::None)` if it is not \
                 compressed"
            )),
            Head::Packed(other) => {
                let method = method(other);
                Some(format!("it begins like {other}: say `.compression({method})`"))
            }
            Head::Other(other, _) | Head::File(other, _) => Some(format!("it begins like {other}")),
            Head::Utf16 => Some("it begins like UTF-16".to_owned()),
        }
    }
}

/// The method, as a program says it.
fn method(name: &str) -> &'static str {
    match name {
        "gzip" => "Compression::GZIP",
        "zstd" => "Compression::ZSTD",
        "bzip2" => "Compression::Bzip2",
        "lz4" => "Compression::Lz4",
        _ => "Compression::Xz",
    }
}

/// The method that an extension, in small letters, stands for, if it is one that is not read here;
/// and the tool that unpacks it.
pub(super) fn foreign(extension: &str) -> Option<(&'static str, &'static str)> {
    Some(match extension {
        "br" => ("Brotli", "brotli -dc"),
        "z" => ("compress", "zcat"),
        "zip" => ("a zip archive", "unzip -p"),
        "7z" => ("a 7z archive", "7z x -so"),
        "rar" => ("a RAR archive", "unrar p"),
        "tar" | "tgz" | "tbz2" | "txz" => ("a tar archive", "tar -xO -f"),
        "lzma" => ("LZMA", "xz --format=lzma -dc"),
        "lzo" => ("LZO", "lzop -dc"),
        "sz" | "snappy" => ("Snappy", "a program that knows it"),
        _ => return None,
    })
}

impl<C: Cut> Feeder<C> {
    /// Looks whether it is text that begins here, and passes the byte order mark that some programs
    /// write first; waits for more bytes where it takes them.
    #[cold]
    pub(super) fn look_at_start(&mut self) -> Result<()> {
        let data = self.window.data();
        let head = Head::of(data, self.ended);
        let is_marked = data.starts_with(MARK);
        if head == Head::Unclear || MARK.starts_with(data) && !is_marked && !self.ended {
            return Ok(());
        }
        let compression = self.inputs.compression();
        let fault = match head {
            _ if compression == Compression::None => None,
            // What was decompressed may hold anything, but for text in another encoding.
            Head::Packed(_) | Head::Other(..) | Head::File(..) if compression.is_some() => None,
            head => head.fault(),
        };
        if let Some(fault) = fault {
            return Err(Error::config(format!("{} is no text: {fault}", self.inputs.name())));
        }
        if is_marked {
            self.window.consume(MARK.len());
            self.place.offset += MARK.len() as u64;
        }
        self.start_checked = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_told_from_text_by_as_many_bytes_as_it_takes() {
        let all = HEADS.iter().map(|(magic, head)| (magic.to_vec(), *head));
        let bzip2 = BZIP2.map(|magic| ([b"BZh9", magic].concat(), Head::Packed("bzip2")));
        for (magic, head) in all.chain(bzip2) {
            assert!(magic.len() <= LONGEST);
            for length in 1..magic.len() {
                assert_eq!(Head::of(&magic[..length], false), Head::Unclear, "{magic:?}");
                assert_eq!(Head::of(&magic[..length], true), Head::Text, "{magic:?}");
            }
            let longer = [&magic, &b"more"[..]].concat();
            assert_eq!((Head::of(&magic, false), Head::of(&longer, false)), (head, head));
        }
        for text in ["a,b\n", "BZh9,x", "BZh,x", "PAR1,PAR2\n", "PK,name", "(5)", "{}", "SQLite\n"]
        {
            assert_eq!(Head::of(text.as_bytes(), false), Head::Text, "{text}");
        }
    }
}
