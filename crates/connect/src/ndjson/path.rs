//! Paths into a value: `a.b[0].c`.

use std::borrow::Cow;

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// The steps of a path; `None` for what is not a step.
pub(super) fn steps(path: &str) -> impl Iterator<Item = Option<Step<'_>>> {
    let mut rest = path;
    let mut is_first = true;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let first = std::mem::take(&mut is_first);
        if let Some(inner) = rest.strip_prefix('[') {
            let Some((digits, behind)) = inner.split_once(']') else {
                rest = "";
                return Some(None);
            };
            rest = behind;
            return Some(digits.parse().ok().map(Step::Index));
        }
        let name = match rest.strip_prefix('.') {
            Some(name) if !first => name,
            None if first => rest,
            _ => {
                rest = "";
                return Some(None);
            }
        };
        let stop = name.find(['.', '[']).unwrap_or(name.len());
        let (key, behind) = name.split_at(stop);
        rest = behind;
        Some((!key.is_empty()).then_some(Step::Key(key)))
    })
}

/// The key that stands between two quotes as `raw`.
pub(super) fn unescape(raw: &str, escaped: bool) -> Option<Cow<'_, str>> {
    match escaped {
        false => Some(Cow::Borrowed(raw)),
        true => serde_json::from_str(&format!("\"{raw}\"")).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_keys_and_indices() {
        let all = |path| steps(path).collect::<Option<Vec<_>>>();
        assert_eq!(all("a").unwrap(), [Step::Key("a")]);
        assert_eq!(
            all("a.b c[0][12].d").unwrap(),
            [Step::Key("a"), Step::Key("b c"), Step::Index(0), Step::Index(12), Step::Key("d")]
        );
        assert_eq!(all("[3].x").unwrap(), [Step::Index(3), Step::Key("x")]);
        for bad in ["a..b", ".a", "a.", "a[", "a[x]", "a[1]b", "a[-1]"] {
            assert_eq!(all(bad), None, "{bad}");
        }
    }
}
