//! The declarations of a C header, in a form that can be compared.

use std::collections::BTreeMap;

pub(crate) type Named = BTreeMap<String, Vec<String>>;

/// What a header declares. Types are written without `const`, `struct` and typedefs.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    /// What each function answers and is given.
    pub(crate) functions: Named,
    /// The name of each parameter.
    #[allow(dead_code, reason = "only one of the tests that read headers looks at names")]
    pub(crate) parameters: Named,
    /// Type and name of each field.
    pub(crate) structs: Named,
    /// The names and numbers of each enum.
    #[allow(dead_code, reason = "as above")]
    pub(crate) numbers: Named,
    /// Pointers and functions that have a name.
    typedefs: BTreeMap<String, String>,
}

impl Declarations {
    pub(crate) fn of(header: &str) -> Self {
        let mut all = Declarations::default();
        let mut statement = Vec::new();
        let mut depth = 0;
        for token in tokens(header) {
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                ";" if depth == 0 => {
                    all.declare(&std::mem::take(&mut statement));
                    continue;
                }
                _ => {}
            }
            statement.push(token);
        }
        all.resolve();
        all
    }

    fn declare(&mut self, statement: &[String]) {
        let is = |at: usize, word: &str| statement.get(at).is_some_and(|token| token == word);
        let typedef = usize::from(is(0, "typedef"));
        let Some(open) = statement.iter().position(|token| token == "{") else {
            match typedef {
                0 if statement.len() > 2 => self.function(statement),
                1 => {
                    let (kind, name) = declared(&statement[1..]);
                    // A handle is declared as itself.
                    if kind != name {
                        self.typedefs.insert(name, kind);
                    }
                }
                _ => {}
            }
            return;
        };
        let close = statement.iter().rposition(|token| token == "}").expect("braces are in pairs");
        // Behind a typedef's braces, or before them: `enum NAME : int32_t {`.
        let name = statement.get(close + 1).unwrap_or(&statement[typedef + 1]).clone();
        let body = &statement[open + 1..close];
        if is(typedef, "enum") {
            self.numbers.insert(name.clone(), numbers(&name, body));
        } else {
            self.fields(name, body);
        }
    }

    fn function(&mut self, statement: &[String]) {
        let open = statement.iter().position(|token| token == "(").expect("a function");
        let (answer, name) = declared(&statement[..open]);
        let given = parameters(&statement[open + 1..statement.len() - 1]);
        let (types, names): (Vec<_>, Vec<_>) = given.into_iter().unzip();
        self.parameters.insert(name.clone(), names);
        self.functions.insert(name, [vec![answer], types].concat());
    }

    fn fields(&mut self, name: String, mut body: &[String]) {
        let mut fields = Vec::new();
        while !body.is_empty() {
            let mut depth = 0;
            let end = body.iter().position(|token| {
                depth += i32::from(token == "{") - i32::from(token == "}");
                depth == 0 && token == ";"
            });
            let (field, rest) = body.split_at(end.expect("a field ends in a semicolon"));
            body = &rest[1..];
            let (mut kind, mut field_name) = (String::new(), String::new());
            if field[0] == "union" && field[1] == "{" {
                // Without a name here, with one in Rust, where `as` can't be a field's.
                kind.push_str(&name);
                kind.push_str("_content");
                field_name.push_str("content");
                self.fields(kind.clone(), &field[2..field.len() - 2]);
            } else {
                (kind, field_name) = declared(field);
            }
            fields.push(format!("{kind} {field_name}"));
        }
        self.structs.insert(name, fields);
    }

    /// Puts in what typedefs stand for.
    fn resolve(&mut self) {
        let typedefs = self.typedefs.clone();
        let all = self.functions.values_mut().chain(self.structs.values_mut()).flatten();
        for kind in all {
            while let Some(changed) = resolved(kind, &typedefs) {
                *kind = changed;
            }
        }
        // A value's text or bytes: characters to C, bytes to Rust.
        for (name, fields) in &mut self.structs {
            if name.ends_with("_content") {
                fields.iter_mut().for_each(|field| *field = field.replace("char*", "void*"));
            }
        }
    }
}

fn resolved(kind: &str, typedefs: &BTreeMap<String, String>) -> Option<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for (name, meaning) in typedefs {
        let found = kind.match_indices(name.as_str()).find(|(at, _)| {
            !kind[..*at].ends_with(is_word) && !kind[at + name.len()..].starts_with(is_word)
        });
        // The last word of a field is its name.
        if let Some((at, _)) = found.filter(|(at, _)| *at == 0 || !kind[..*at].ends_with(' ')) {
            return Some(format!("{}{meaning}{}", &kind[..at], &kind[at + name.len()..]));
        }
    }
    None
}

/// Names without what all of an enum share: `TROMMEL_REJECT_STOP` of `trommel_on_reject` is `stop`.
fn numbers(name: &str, body: &[String]) -> Vec<String> {
    let shared = format!("{}_", name.rsplit('_').next().unwrap_or_default().to_uppercase());
    body.split(|token| token == ",")
        .filter(|number| !number.is_empty())
        .map(|number| {
            let name = number[0].strip_prefix("TROMMEL_").unwrap_or(&number[0]);
            let name = name.strip_prefix(&shared).unwrap_or(name).replace('_', "");
            format!("{} = {}", name.to_lowercase(), number[2])
        })
        .collect()
}

fn parameters(tokens: &[String]) -> Vec<(String, String)> {
    let mut depth = 0;
    tokens
        .split(|token| {
            depth += i32::from(token == "(") - i32::from(token == ")");
            depth == 0 && token == ","
        })
        .filter(|parameter| !parameter.is_empty() && *parameter != ["void"])
        .map(declared)
        .collect()
}

/// Type and name of a declaration; the name is empty where there is none.
fn declared(tokens: &[String]) -> (String, String) {
    if let Some(open) = tokens.iter().position(|token| token == "(") {
        // ANSWER ( * NAME ) ( PARAMETERS )
        let answer = declared(&tokens[..open]).0;
        let parameters = parameters(&tokens[open + 5..tokens.len() - 1]);
        let types: Vec<String> = parameters.into_iter().map(|(kind, _)| kind).collect();
        return (format!("fn({})->{answer}", types.join(",")), tokens[open + 2].clone());
    }
    let words: Vec<&String> =
        tokens.iter().filter(|t| !["const", "struct", "enum"].contains(&t.as_str())).collect();
    let stars = words.iter().filter(|token| **token == "*").count();
    let names: Vec<&&String> =
        words.iter().take_while(|t| **t != "[").filter(|t| **t != "*").collect();
    let bracket = words.iter().position(|token| *token == "[");
    let length = bracket.map(|at| format!("[{}]", words[at + 1])).unwrap_or_default();
    let base = match names[0].as_str() {
        // Bytes of any kind.
        "uint8_t" if stars > 0 => "void",
        "FFI_ArrowArrayStream" => "ArrowArrayStream",
        // To Rust it is an address, since only the library knows what it points to.
        "trommel_call_pointer" => "trommel_call*",
        base => base,
    };
    let name = names.get(1).map(|name| (**name).clone()).unwrap_or_default();
    (format!("{base}{}{length}", "*".repeat(stars)), name)
}

/// Words and signs, without comments, preprocessor lines and `extern "C"`.
fn tokens(header: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = header;
    while let Some((before, comment)) = rest.split_once("/*") {
        text.push_str(before);
        rest = comment.split_once("*/").expect("a comment ends").1;
    }
    text.push_str(rest);
    let mut cpp = 0;
    let mut tokens: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        match line {
            "#ifdef __cplusplus" => cpp += 1,
            "#endif" | "#endif  // __cplusplus" => cpp = 0,
            _ if line.starts_with('#') || cpp > 0 => {}
            _ => {
                let mut word = String::new();
                for c in line.chars().chain([' ']) {
                    if c.is_alphanumeric() || c == '_' {
                        word.push(c);
                        continue;
                    }
                    if !word.is_empty() {
                        tokens.push(std::mem::take(&mut word));
                    }
                    if !c.is_whitespace() {
                        tokens.push(c.to_string());
                    }
                }
            }
        }
    }
    tokens
}
