//! The C and C++ programs, built with every compiler there is and run; and what the library exports.
#![cfg(target_os = "linux")]

mod programs;

use programs::{CRATE, libraries, run, soname_version, with_each};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_contract_holds() {
    for (source, cases) in [("contract.c", 11), ("refusals.c", 5), ("rows.c", 3)] {
        with_each(&format!("tests/c/{source}"), |program, folder| {
            let mut command = Command::new(program);
            command.arg(folder);
            if cfg!(debug_assertions) {
                command.env("TROMMEL_DEBUG_BUILD", "1");
            }
            let said = String::from_utf8(run(&mut command).stdout).unwrap();
            assert!(said.contains(&format!("{cases} cases as the header says")), "{said}");
        });
    }
}

#[test]
fn the_wrapper_keeps_exceptions_inside() {
    with_each("tests/c/wrapper.cpp", |program, _| {
        run(&mut Command::new(program));
    });
}

#[test]
fn loading_and_unloading_harms_nobody() {
    with_each("tests/c/unload.c", |program, _| {
        run(Command::new(program).arg(libraries().join("libtrommel.so")));
    });
}

#[test]
fn the_importer_imports() {
    for source in ["examples/import_csv.c", "examples/app.cpp"] {
        with_each(source, |program, folder| {
            let (input, output) = (folder.join("in.csv"), folder.join("out.db"));
            let rows: String = (0..5_000).map(|id| format!("{id},\"name {id}\"\n")).collect();
            std::fs::write(&input, format!("id,name\n{rows}")).unwrap();
            let said = run(Command::new(program).args([&input, &output]).arg("people")).stdout;
            assert!(String::from_utf8_lossy(&said).starts_with("5000 rows"), "{source}");
            assert!(output.metadata().unwrap().len() > 100_000);
            // What is wrong is said, and the status tells.
            let missing = Command::new(program)
                .args([&folder.join("none.csv"), &output])
                .arg("people")
                .output()
                .unwrap();
            assert!(!missing.status.success());
            let said = String::from_utf8_lossy(&missing.stderr).into_owned();
            assert!(said.contains("cannot open") && said.contains("none.csv"), "{said}");
        });
    }
}

/// The page's first program, as it stands there.
#[test]
fn the_page_imports_in_15_lines() {
    let page = std::fs::read_to_string(format!("{CRATE}/../../docs/c-api.md")).unwrap();
    let code = page.split_once("```c\n").unwrap().1.split_once("```").unwrap().0;
    let main = code.split_once("int main(void) {\n").unwrap().1.trim_end().strip_suffix('}');
    assert_eq!(main.unwrap().lines().count(), 15);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("import.c");
    std::fs::write(&source, code).unwrap();
    with_each(source.to_str().unwrap(), |program, folder| {
        std::fs::write(folder.join("flights.csv"), "id,name\n1,Anna\n2,Bo\n").unwrap();
        let said = run(Command::new(program).current_dir(folder)).stdout;
        assert_eq!(String::from_utf8_lossy(&said), "2 rows\n");
        assert!(folder.join("flights.db").exists());
    });
}

/// The app's button, pressed while the file has not ended: a pipe of which more could come.
#[test]
fn the_app_cancels() {
    with_each("examples/app.cpp", |program, folder| {
        let (input, output) = (folder.join("pipe.csv"), folder.join("out.db"));
        run(Command::new("mkfifo").arg(&input));
        let mut command = Command::new(program);
        command.args([&input, &output]).arg("people").stdout(Stdio::piped()).stderr(Stdio::null());
        let app = command.spawn().unwrap();
        // Opened when the app reads, which it does when the button is there.
        let mut pipe = std::fs::File::options().write(true).open(&input).unwrap();
        pipe.write_all(b"id,name\n1,Anna\n2,Bo\n").unwrap();
        run(Command::new("kill").args(["-INT", &app.id().to_string()]));
        let said = app.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(text.starts_with("cancelled; ") && said.status.code() == Some(2), "{said:?}");
        drop(pipe);
    });
}

#[test]
fn callbacks_and_cancel_run() {
    with_each("examples/callbacks.c", |program, _| {
        let said = run(Command::new(program).arg("100000")).stdout;
        assert_eq!(
            String::from_utf8_lossy(&said),
            "100000 read = 82000 loaded + 100 rejected + 17900 filtered\n\
             82000 bills, scores 1639980, in order\n"
        );
    });
    with_each("examples/cancel.c", |program, _| {
        run(&mut Command::new(program));
    });
}

/// The name of each function of the header.
fn declared() -> Vec<String> {
    let read = |name| std::fs::read_to_string(format!("{CRATE}/include/{name}")).unwrap();
    let mut header = read("trommel.h");
    if cfg!(feature = "arrow") {
        header.push_str(&read("trommel_arrow.h"));
    }
    let mut names: Vec<String> = header
        .match_indices("trommel_")
        .filter(|(at, _)| {
            let before = header[..*at].lines().last().unwrap_or_default();
            let rest = &header[*at..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            // A declaration begins its line with the type, and a call is within a comment.
            rest[end..].starts_with('(')
                && ["int ", "uint32_t ", "const char *", "void *"].contains(&before)
        })
        .map(|(at, _)| {
            let rest = &header[at..];
            rest[..rest.find('(').unwrap()].to_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn the_header_the_boundary_and_the_symbols_are_the_same() {
    let mut behind: Vec<String> =
        trommel::EXPORTS.iter().flat_map(|names| names.iter().map(|name| (*name).into())).collect();
    behind.sort();
    assert_eq!(declared(), behind, "the header, and what sits in the boundary");
    let library = libraries().join("libtrommel.so");
    let listed = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library)).stdout;
    let mut symbols: Vec<String> = String::from_utf8(listed)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned))
        .collect();
    symbols.sort();
    assert_eq!(symbols, behind, "what the library exports, and what sits in the boundary");
}

/// Looks at each file of a folder; answers how many.
fn exports_nothing(folder: &Path) -> usize {
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            seen += exports_nothing(&path);
        } else if !path.ends_with("boundary.rs") {
            let code = std::fs::read_to_string(&path).unwrap();
            assert!(!code.contains("no_mangle") && !code.contains("export_name"), "{path:?}");
            seen += 1;
        }
    }
    seen
}

#[test]
fn only_the_boundary_exports() {
    assert!(exports_nothing(&Path::new(CRATE).join("src")) > 30);
}

#[test]
fn the_header_has_the_manifests_version() {
    let header = std::fs::read_to_string(format!("{CRATE}/include/trommel.h")).unwrap();
    let number = format!("#define TROMMEL_ABI_VERSION {}\n", trommel::ABI_VERSION);
    let text = format!("#define TROMMEL_VERSION \"{}\"\n", env!("CARGO_PKG_VERSION"));
    assert!(header.contains(&number) && header.contains(&text));
    let soname = run(Command::new("readelf").arg("-d").arg(libraries().join("libtrommel.so")));
    let soname = String::from_utf8(soname.stdout).unwrap();
    assert!(soname.contains(&format!("[libtrommel.so.{}]", soname_version())));
}

#[cfg(feature = "arrow")]
#[test]
fn arrow_streams_run() {
    with_each("examples/arrow_stream.c", |program, _| {
        let said = run(&mut Command::new(program)).stdout;
        let expected = "500000 rows in, 375000 rows out, sum 93731062500, in order\n";
        assert_eq!(String::from_utf8_lossy(&said), expected);
    });
}
