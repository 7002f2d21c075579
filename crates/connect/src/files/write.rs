//! Appending: which file a value goes to, and when the next one begins.

use super::output::{Output, Target, failed, not_started};
use super::page::Page;
use super::part::{Part, Slot};
use super::verify;
use std::ops::Range;
use std::time::Instant;
use trommel::Result;

impl Output {
    /// Chooses the file for a key, a path of folders; `""` for outputs without keys.
    pub(super) fn choose(&mut self, key: &str) -> Result<()> {
        let Output { target, run, settings, read_back, .. } = self;
        let Target::Path { place, is_folder, extension } = target else { return Ok(()) };
        let Some(run) = run else { return Err(not_started()) };
        run.choose(key);
        if run.present().is_some() {
            return Ok(());
        }
        let number = run.next_number();
        let slot = Slot { name: place.file(*is_folder, extension, settings, key, number), number };
        settings.limits.admit(&place.parent().join(&slot.name), run.parts.len())?;
        let _section = run.enter(place)?;
        let part = Part::create(place.parent(), slot, key, settings.existing, read_back.as_ref())?;
        run.adopt(part, settings.limits.open);
        Ok(())
    }

    /// Appends values of a page to the file chosen last.
    pub(crate) fn write(&mut self, page: &mut Page, values: Range<usize>) -> Result<()> {
        let mut next = values.start;
        while next < values.end {
            let room = self.room(page, next, values.end)?;
            let bytes = page.encoded(next..next + room);
            self.append(bytes, room as u64)?;
            if self.read_back.is_some() {
                self.give(page, next..next + room);
            }
            next += room;
        }
        Ok(())
    }

    /// Counts values that were appended.
    fn give(&mut self, page: &Page, values: Range<usize>) {
        let Some(run) = &mut self.run else { return };
        let Some(present) = run.present() else { return };
        for value in values {
            run.parts[present].given(&verify::hash(page.plain(value..value + 1)), false);
        }
    }

    /// How many of the values from `from` on go to the present file: at least one. Begins a new
    /// file when it is full.
    fn room(&mut self, page: &Page, from: usize, to: usize) -> Result<usize> {
        let all = to - from;
        if !self.settings.rolls() {
            return Ok(all);
        }
        let (bytes, rows) = (self.settings.roll_bytes, self.settings.roll_values);
        let (has_bytes, has_rows) =
            self.present()?.map_or((0, 0), |part| (part.bytes, part.values));
        let mut room = all as u64;
        if rows > 0 {
            room = room.min(rows.saturating_sub(has_rows));
        }
        if bytes > 0 {
            let left = bytes.saturating_sub(has_bytes.max(self.header.len() as u64));
            let plain = page.plain(from..to).len() as u64;
            room = room.min(match self.settings.compression.packs() {
                false => page.fitting(from, left) as u64,
                // What it will come to is known only afterwards.
                _ if has_rows == 0 || plain / 4 <= left => all as u64,
                _ => 0,
            });
        }
        if room == 0 && has_rows > 0 {
            self.roll()?;
            return self.room(page, from, to);
        }
        Ok((room as usize).max(1))
    }

    /// Begins the next file of the present key.
    fn roll(&mut self) -> Result<()> {
        let Some(run) = &mut self.run else { return Err(not_started()) };
        run.is_full = true;
        let key = run.current.clone();
        self.choose(&key)
    }

    pub(super) fn present(&self) -> Result<Option<&Part>> {
        let Some(run) = &self.run else { return Err(not_started()) };
        Ok(run.present().map(|part| &run.parts[part]))
    }

    pub(super) fn append(&mut self, bytes: &[u8], values: u64) -> Result<()> {
        let Output { target, run, header, packer, settings, .. } = self;
        let Some(run) = run else { return Err(not_started()) };
        let mut pack_header = || {
            let mut packed = Vec::new();
            if !header.is_empty() {
                packer.pack(settings.compression, header, &mut packed);
            }
            packed
        };
        match target {
            Target::Writer { writer, name, is_fresh } => {
                if std::mem::take(is_fresh) {
                    let head = pack_header();
                    writer.write_all(&head).map_err(|error| failed(name, error))?;
                }
                writer.write_all(bytes).map_err(|error| failed(name, error))?;
            }
            Target::Path { place, .. } => {
                let Some(present) = run.present() else { return Err(not_started()) };
                run.writes += 1;
                let was_open = run.parts[present].is_open();
                let _section = if was_open { None } else { run.enter(place)? };
                let part = &mut run.parts[present];
                part.used = run.writes;
                if part.bytes == 0 {
                    part.append(&pack_header(), 0)?;
                    if !header.is_empty() {
                        part.given(&verify::hash(header), true);
                    }
                }
                part.append(bytes, values)?;
                if !was_open {
                    run.opened(settings.limits.open);
                }
            }
        }
        run.uncommitted += bytes.len() as u64;
        run.since.get_or_insert_with(Instant::now);
        Ok(())
    }
}
