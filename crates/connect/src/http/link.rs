//! The `Link` header.

/// The target of the first link whose relation is `next`.
pub(super) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(from) = rest.find('<') {
        let after = &rest[from + 1..];
        let (target, tail) = after.split_once('>')?;
        let end = end_of_link(tail);
        if tail[..end].split(';').any(|parameter| is_next(parameter.trim())) {
            return Some(target.trim());
        }
        rest = &tail[end..];
    }
    None
}

/// Where the parameters of a link end: at a comma outside quotes.
fn end_of_link(parameters: &str) -> usize {
    let mut quoted = false;
    for (at, letter) in parameters.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    parameters.len()
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let value = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_link_is_found_among_others() {
        let header = r#"<https://h/a?p=1,2>; rel="prev"; title="a, b", </a?p=3> ; rel="last next""#;
        assert_eq!(next(header), Some("/a?p=3"));
        assert_eq!(next("<x>; rel=next"), Some("x"));
        assert_eq!(next("<x>; REL = NEXT"), Some("x"));
        for none in ["", "<x>", "<x>; rel=prev", "<x; rel=next", "rel=next", "<x>; rel=\"nextish\""]
        {
            assert_eq!(next(none), None, "{none}");
        }
    }
}
