//! What tables of databases have in common: names in SQL, what was declared, what is done with rows
//! that are there already.

use super::Kind;
use std::borrow::Cow;
use trommel::{Error, Result};

/// What happens to rows that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    #[default]
    Append,
    Replace,
    Upsert,
    IgnoreDuplicates,
}

/// A name as SQL takes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names as SQL takes them.
pub(crate) fn list<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| quoted(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Refuses names that no database takes.
pub(crate) fn check_names<'n>(names: impl IntoIterator<Item = &'n String>) -> Result<()> {
    for name in names {
        if name.is_empty() || name.contains('\0') {
            return Err(Error::config(format!(
                "table: `{}` can't name a table or column",
                name.escape_debug()
            )));
        }
    }
    Ok(())
}

/// The error of a load into a table that has none of the columns `missing`.
pub(crate) fn lacking<M: AsRef<str>, C: AsRef<str>>(
    table: &str,
    missing: &[M],
    columns: &[C],
) -> Error {
    Error::config(format!(
        "table: {table} has no column {} that takes values; its columns are {}: rename the field \
         (`#[serde(rename)]`), or add the column (`ALTER TABLE`; `column` when the load creates the \
         table)",
        list(missing),
        list(columns),
    ))
}

/// The columns and the primary key of `CREATE TABLE`, for records of the columns `learnt`. Declared
/// columns that the record does not have come last. `same` says when two names mean one column, and
/// `type_of` what a column is of which only the values are known.
pub(crate) fn definitions(
    columns: &[(String, String)],
    key: &[String],
    learnt: &[(Cow<'static, str>, Kind)],
    same: fn(&str, &str) -> bool,
    type_of: impl Fn(Kind) -> &'static str,
) -> String {
    let declared = |name: &str| {
        let found = columns.iter().find(|(known, _)| same(known, name));
        found.map(|(_, declaration)| declaration.as_str()).filter(|text| !text.is_empty())
    };
    let is_learnt = |name: &str| learnt.iter().any(|(known, _)| same(known, name));
    let others = columns.iter().filter(|(name, _)| !is_learnt(name));
    let all = learnt.iter().map(|(name, kind)| (&**name, *kind));
    let mut parts: Vec<String> = all
        .chain(others.map(|(name, _)| (name.as_str(), Kind::Unknown)))
        .map(|(name, kind)| match declared(name).unwrap_or_else(|| type_of(kind)) {
            "" => quoted(name),
            declaration => format!("{} {declaration}", quoted(name)),
        })
        .collect();
    if !key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", list(key)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(list(&["a", "b\"c"]), "\"a\", \"b\"\"c\"");
    }

    #[test]
    fn what_was_declared_goes_before_what_was_learnt() {
        let columns =
            [("A".into(), "text".into()), ("b".into(), "".into()), ("z".into(), "".into())];
        let learnt = [("a".into(), Kind::Int), ("b".into(), Kind::Int), ("c".into(), Kind::Int)];
        let type_of = |kind| if kind == Kind::Int { "int" } else { "" };
        let made = |same| definitions(&columns, &["a".into()], &learnt, same, type_of);
        assert_eq!(
            made(str::eq_ignore_ascii_case),
            "\"a\" text, \"b\" int, \"c\" int, \"z\", PRIMARY KEY (\"a\")"
        );
        assert!(
            made(|one, other| one == other).starts_with("\"a\" int, \"b\" int, \"c\" int, \"A\"")
        );
    }
}
