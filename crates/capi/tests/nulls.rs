//! NULL for each pointer of each function, one at a time and all at once: a program that is made of
//! the headers, so that no function and no parameter is left out.
#![cfg(all(target_os = "linux", feature = "arrow", feature = "csv", feature = "sqlite"))]

#[path = "header/declarations.rs"]
mod declarations;
mod programs;

use declarations::Declarations;
use programs::{CRATE, run, with_each};
use std::process::Command;

/// Where NULL has a meaning, besides `error`; anything else is answered with TROMMEL_STATUS_NULL.
const MEANS_SOMETHING: [(&str, &str); 16] = [
    ("trommel_engine_new", "options"),
    ("trommel_engine_free", "engine"),
    ("trommel_pipeline_free", "pipeline"),
    ("trommel_error_free", "error"),
    ("trommel_error_status", "error"),
    ("trommel_pipeline_column", "to"),
    ("trommel_pipeline_column", "declaration"),
    ("trommel_pipeline_output", "declaration"),
    ("trommel_pipeline_run", "report"),
    ("trommel_pipeline_wait", "report"),
    ("trommel_pipeline_on_progress", "user"),
    ("trommel_pipeline_on_progress", "drop"),
    ("trommel_pipeline_is_finished", "pipeline"),
    ("trommel_call_is_cancelled", "call"),
    ("trommel_call_fail", "message"),
    ("trommel_call_reject", "reason"),
];

fn is_pointer(kind: &str) -> bool {
    kind.ends_with('*') || kind.starts_with("fn(")
}

/// A good argument.
fn good(kind: &str, name: &str) -> String {
    match kind {
        "trommel_engine*" => "engine".to_owned(),
        "trommel_pipeline*" => "pipeline".to_owned(),
        "trommel_error*" => "some_error".to_owned(),
        "trommel_call*" => "call".to_owned(),
        "trommel_error**" => "&error".to_owned(),
        "trommel_engine**" => "&other_engine".to_owned(),
        "trommel_pipeline**" => "&other_pipeline".to_owned(),
        "ArrowArrayStream*" => "&stream".to_owned(),
        "char*" => "\"text\"".to_owned(),
        "void*" => "data".to_owned(),
        "size_t" => "1".to_owned(),
        _ if kind.starts_with("fn(") => format!("good_{name}"),
        _ => {
            let of = kind.trim_end_matches('*');
            let content = match of {
                "trommel_value" => ".kind = TROMMEL_NULL",
                "trommel_source" => ".size = sizeof(trommel_source), .fill = fill",
                "trommel_transform" => ".size = sizeof(trommel_transform), .apply = apply",
                "trommel_sink" => ".size = sizeof(trommel_sink), .write = take",
                _ => return format!("&({of}){{.size = sizeof({of})}}"),
            };
            format!("&({of}){{{content}}}")
        }
    }
}

/// Calls with one NULL each, and with nothing but NULL.
fn calls(all: &Declarations) -> (String, usize) {
    let (mut code, mut count) = (String::new(), 0);
    for (function, types) in &all.functions {
        let (answer, types) = types.split_first().unwrap();
        let names = &all.parameters[function];
        let pointers: Vec<usize> = (0..types.len()).filter(|at| is_pointer(&types[*at])).collect();
        let sets = pointers.iter().map(|at| vec![*at]).chain([pointers.clone()]);
        for nulls in sets.filter(|set| !set.is_empty()) {
            let arguments: Vec<String> = (0..types.len())
                .map(|at| match nulls.contains(&at) {
                    true => "NULL".to_owned(),
                    false => good(&types[at], &names[at]),
                })
                .collect();
            let means_something = |at: &usize| {
                (types[*at] == "trommel_error**")
                    || MEANS_SOMETHING.contains(&(function.as_str(), names[*at].as_str()))
            };
            let refused = answer == "int" && !nulls.iter().all(means_something);
            let which: Vec<&str> = nulls.iter().map(|at| names[*at].as_str()).collect();
            let call = format!("{function}({})", arguments.join(", "));
            let label = format!("{function}: {}", which.join(", "));
            code += "    before(call);\n";
            code += &match (answer.as_str(), refused) {
                ("int", true) => format!("    refused({call}, \"{label}\");\n"),
                ("int", false) => format!("    lived({call}, \"{label}\");\n"),
                _ => format!("    (void){call};\n"),
            };
            code += "    after();\n";
            count += 1;
        }
    }
    (code, count)
}

#[test]
fn null_is_answered_everywhere() {
    let read = |name| std::fs::read_to_string(format!("{CRATE}/include/{name}")).unwrap();
    let all = Declarations::of(&(read("trommel.h") + &read("trommel_arrow.h")));
    for (function, parameter) in MEANS_SOMETHING {
        assert!(all.parameters[function].iter().any(|name| name == parameter), "{function}");
    }
    let (code, count) = calls(&all);
    assert!(count > 2 * all.functions.len(), "{count} calls of {}", all.functions.len());
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("nulls.c");
    let program = include_str!("c/nulls.c.in").replace("CALLS;", &code);
    std::fs::write(&source, program).unwrap();
    with_each(source.to_str().unwrap(), |program, folder| {
        let said = run(Command::new(program).current_dir(folder)).stdout;
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said, format!("{count} calls with NULL\n"));
    });
}
