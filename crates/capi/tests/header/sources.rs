//! The header that `cbindgen` makes of the sources.

use super::CRATE;
use std::path::Path;

/// What C calls the types that functions and callbacks are given.
const NAMES: [(&str, &str); 18] = [
    ("EngineHandle", "trommel_engine"),
    ("PipelineHandle", "trommel_pipeline"),
    ("ErrorHandle", "trommel_error"),
    ("ErrorInfo", "trommel_error_info"),
    ("EngineOptions", "trommel_engine_options"),
    ("OptionsView", "trommel_options"),
    ("ReportView", "trommel_report"),
    ("ProgressView", "trommel_progress"),
    ("SourceSpec", "trommel_source"),
    ("Value", "trommel_value"),
    ("Content", "trommel_value_content"),
    ("BatchView", "trommel_batch"),
    ("TransformSpec", "trommel_transform"),
    ("PageView", "trommel_page"),
    ("SinkSpec", "trommel_sink"),
    ("Status", "trommel_status"),
    // Both are pointers to what only the library knows.
    ("CallPointer", "trommel_call_pointer"),
    ("Stream", "trommel_stream_pointer"),
];

pub(crate) fn header() -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Type,
        documentation: false,
        usize_is_size_t: true,
        ..cbindgen::Config::default()
    };
    config.export.include.push("Status".to_owned());
    config.export.rename =
        NAMES.iter().map(|(ours, name)| ((*ours).to_owned(), (*name).to_owned())).collect();
    let mut builder = cbindgen::Builder::new().with_config(config);
    let sources = all(Path::new(&format!("{CRATE}/src")));
    let callbacks: Vec<(&str, &str)> = sources.iter().flat_map(|text| callbacks(text)).collect();
    assert!(callbacks.len() > 5, "{callbacks:?}");
    for (index, source) in sources.iter().enumerate() {
        let copy = folder.path().join(format!("{index}.rs"));
        let mut source = expanded(source);
        for (name, function) in &callbacks {
            source = source.replace(&format!("Option<{name}>"), &format!("Option<{function}>"));
        }
        std::fs::write(&copy, source).unwrap();
        builder = builder.with_src(copy);
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap() + &enums(include_str!("../../src/numbers.rs"))
}

/// The modules of constants, each as the enum that it stands for.
fn enums(source: &str) -> String {
    let mut enums = String::new();
    for module in source.split("\npub(crate) mod ").skip(1) {
        let (name, body) = module.split_once(" {\n").expect("a module has a body");
        let constants =
            body.lines().filter_map(|line| line.trim().strip_prefix("pub(crate) const "));
        let numbers = constants.map(|constant| {
            let (name, rest) = constant.split_once(": ").expect("a constant has a type");
            let (_, number) = rest.split_once(" = ").expect("a constant has a number");
            format!("{name} = {},", number.trim_end_matches(';'))
        });
        enums += &format!("enum trommel_{name} {{ {} }};\n", numbers.collect::<String>());
    }
    enums
}

/// The texts of all sources.
fn all(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(all(&path));
        } else if !path.ends_with("boundary.rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// The names of types of functions, through which `cbindgen` does not see that a pointer is one that
/// may be NULL.
fn callbacks(source: &str) -> Vec<(&str, &str)> {
    source
        .split("type ")
        .filter_map(|text| {
            let (name, rest) = text.split_once(" =")?;
            let function = rest.split_once(';')?.0.trim();
            function.starts_with("unsafe extern").then_some((name, function))
        })
        .collect()
}

/// With the functions that `export!` makes in its place: it takes a compiler to expand a macro, and
/// `cbindgen` reads signatures alone.
fn expanded(source: &str) -> String {
    let Some((before, exports)) = source.split_once("\nexport! {") else {
        return source.to_owned();
    };
    let (exports, after) = exports.split_once("\n}\n").expect("the block ends at the margin");
    let mut functions = String::new();
    let mut rest = exports;
    while let Some(at) = rest.find(" fn trommel_") {
        let form = rest[..at].rsplit(char::is_whitespace).next().unwrap();
        let signature = &rest[at..at + rest[at..].find("=> {").expect("a body follows")];
        let (name, arguments) = signature.split_once('(').unwrap();
        let (arguments, answer) = arguments.split_once(')').unwrap();
        let arguments = arguments.trim().trim_end_matches(',');
        let (more, answer) = match form {
            "status" if arguments.is_empty() => ("error: Out<*mut ErrorHandle>", "-> c_int"),
            "status" => (", error: Out<*mut ErrorHandle>", "-> c_int"),
            "quiet" => ("", "-> c_int"),
            "value" => ("", answer.split(", or ").next().unwrap()),
            other => panic!("`{other}` is a form that export! does not have"),
        };
        functions += "#[unsafe(no_mangle)]\n";
        functions += &format!("pub unsafe extern \"C\"{name}({arguments}{more}) {answer} {{}}\n");
        rest = &rest[at + signature.len()..];
    }
    format!("{before}\n{functions}\n{after}")
}
