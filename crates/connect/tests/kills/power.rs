//! Losses of power. A victim dies in a window or at its end, and then what no fsync has made durable
//! is taken away from the folder of the job: all of it, or for each file and folder by chance, since
//! a system may have written it on its own. The next run must go on from what is left.
//!
//! A kill can't show this: what a dead process has written stays in the memory of the system. The
//! shim keeps a copy of each file at its fsync, and of the names in a folder at the folder's.

use crate::campaign::{End, Job, clean, wanted};
use crate::destination::Destination;
use crate::faults::SHIM;
use crate::window::{AFTER_COMMIT, Act};
use std::collections::BTreeMap;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, io};
use tempfile::TempDir;

/// Cuts jobs off until it was done often enough, in all windows by turns.
pub(crate) fn cut(destination: Destination) {
    let began = Instant::now();
    let (wanted, mut random) = wanted(&format!("{destination:?} power"));
    let clean = clean(destination);
    let mut windows = destination.windows();
    windows.push(AFTER_COMMIT);
    let (mut cuts, mut jobs) = (0, 0);
    while cuts < wanted {
        jobs += 1;
        let job = Job::new(destination);
        let shadow = Shadow::of(job.path());
        let mut story = Vec::new();
        for _ in 0..random.u32(2..=7) {
            let window = random.choice(&windows).unwrap();
            let visit = random.u32(1..=crate::campaign::visits(window));
            let end = shadow.run(&job, window, visit);
            let chance = random.bool();
            story.push(format!("{window} {visit}, {}", if chance { "by chance" } else { "all" }));
            shadow.cut(job.path(), || chance && random.bool());
            cuts += 1;
            match end {
                End::Killed(Some(hit)) if hit == *window => {}
                // A job that has said that it is at its end stays there.
                End::Ended { .. } => break,
                other => panic!("{other:?} after {story:?}"),
            }
        }
        match shadow.run(&job, "", 1) {
            End::Ended { .. } => shadow.cut(job.path(), || false),
            other => panic!("{other:?} after {story:?}"),
        }
        match job.run("", 1) {
            End::Ended { read: 0, .. } => {}
            other => panic!("{other:?} of a job that was finished, after {story:?}"),
        }
        job.conclude(Some(&clean), &story);
    }
    crate::campaign::conclude(destination, "power cut", cuts, 0, jobs, began);
}

/// What is durable: a file for each inode, with the content of a file or the names in a folder.
struct Shadow(TempDir);

impl Shadow {
    /// As if everything had been synced.
    fn of(job: &Path) -> Shadow {
        // On the file system of the job, but out of its sight.
        let mut builder = tempfile::Builder::new();
        builder.prefix("trommel-shadow-");
        let shadow = Shadow(builder.tempdir_in(job.parent().unwrap()).unwrap());
        shadow.keep(job);
        shadow
    }

    fn keep(&self, path: &Path) {
        let about = path.metadata().unwrap();
        let content = match about.is_dir() {
            false => fs::read(path).unwrap(),
            true => {
                let names = names_in(path);
                names.values().for_each(|name| self.keep(&path.join(name)));
                let line = |(inode, name): (&u64, &String)| format!("{inode} {name}\n");
                names.iter().map(line).collect::<String>().into_bytes()
            }
        };
        fs::write(self.0.path().join(about.ino().to_string()), content).unwrap();
    }

    fn synced(&self, inode: u64) -> Vec<u8> {
        match fs::read(self.0.path().join(inode.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            content => content.unwrap(),
        }
    }

    /// Runs the job while the shadow is kept.
    fn run(&self, job: &Job, window: &str, visit: u32) -> End {
        let mut command = job.command(window, visit, Act::Kill);
        command.env("LD_PRELOAD", &*SHIM).env("TROMMEL_SHADOW", self.0.path());
        job.end_of(command.spawn().unwrap())
    }

    /// Takes away what was not synced; where `survives` says so, it stays.
    fn cut(&self, job: &Path, mut survives: impl FnMut() -> bool) {
        let mut files = BTreeMap::new();
        self.left_of(job, job.metadata().unwrap().ino(), &mut survives, &mut files);
        for name in names_in(job).values().filter(|name| !is_input(name)) {
            let path = job.join(name);
            _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        let name = |path: &Path| path.strip_prefix(job).unwrap().to_str().unwrap().to_owned();
        for (path, content) in files.into_iter().filter(|(path, _)| !is_input(&name(path))) {
            match content {
                None => fs::create_dir(path).unwrap(),
                Some(content) => fs::write(path, content).unwrap(),
            }
        }
        fs::read_dir(self.0.path()).unwrap().for_each(|entry| {
            fs::remove_file(entry.unwrap().path()).unwrap();
        });
        self.keep(job);
    }

    /// What is left in a folder: files with their content, and folders. All changes of its names stay
    /// or none, as a file system with a journal has it.
    fn left_of(
        &self,
        folder: &Path,
        inode: u64,
        survives: &mut impl FnMut() -> bool,
        left: &mut BTreeMap<PathBuf, Option<Vec<u8>>>,
    ) {
        let is_there = |path: &Path, inode| path.metadata().is_ok_and(|found| found.ino() == inode);
        let current = if is_there(folder, inode) { names_in(folder) } else { BTreeMap::new() };
        let synced = String::from_utf8(self.synced(inode)).unwrap();
        let names = match survives() {
            true => current.clone(),
            false => synced
                .lines()
                .map(|line| line.split_once(' ').unwrap())
                .map(|(inode, name)| (inode.parse().unwrap(), name.to_owned()))
                .collect(),
        };
        for (inode, name) in names {
            // Where it is now, if it is anywhere.
            let now = current.get(&inode).map(|name| folder.join(name));
            let path = folder.join(name);
            if now.as_ref().is_some_and(|now| now.is_dir()) {
                left.insert(path.clone(), None);
                self.left_of(&path, inode, survives, left);
                continue;
            }
            let written = now.filter(|_| survives()).map(|now| fs::read(now).unwrap());
            left.insert(path, Some(written.unwrap_or_else(|| self.synced(inode))));
        }
    }
}

/// The input stays as it is: a job knows its source by the time of its last change, too.
fn is_input(name: &str) -> bool {
    name.starts_with("input")
}

/// The names in a folder, by inode.
fn names_in(folder: &Path) -> BTreeMap<u64, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.ino(), entry.file_name().into_string().unwrap())).collect()
}
