//! URLs: what may be said of them, and what relative ones mean.

use trommel::{Error, Result};

/// A URL for messages: without user, password, query and fragment, where secrets are.
pub(super) fn public(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = bare.split_once("://") else { return bare.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let query = if url.contains('?') { "?…" } else { "" };
    format!("{scheme}://{host}{path}{query}")
}

/// Scheme, host and port.
pub(super) fn origin(url: &str) -> &str {
    let from = url.find("://").map_or(0, |at| at + 3);
    let end = url[from..].find(['/', '?', '#']).map_or(url.len(), |at| from + at);
    &url[..end]
}

/// What `reference`, found at `base`, refers to.
pub(super) fn join(base: &str, reference: &str) -> String {
    let bare = base.split(['?', '#']).next().unwrap_or_default();
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.split(['/', '?']).next().is_some_and(|head| head.contains(':')) {
        return reference.to_owned();
    }
    let origin = origin(base);
    if let Some(rest) = reference.strip_prefix("//") {
        let scheme = base.split("://").next().unwrap_or("http");
        format!("{scheme}://{rest}")
    } else if reference.starts_with('/') {
        format!("{origin}{reference}")
    } else if reference.starts_with('?') || reference.is_empty() {
        format!("{bare}{reference}")
    } else {
        match bare[origin.len()..].rfind('/') {
            Some(slash) => format!("{}{reference}", &bare[..origin.len() + slash + 1]),
            None => format!("{origin}/{reference}"),
        }
    }
}

/// Refuses what isn't a URL of HTTP.
pub(super) fn check(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(()),
        _ => {
            let message =
                format!("url: `{}` is no URL that begins with http:// or https://", public(url));
            Err(Error::config(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_said() {
        let said = public("https://anna:pass@host:8443/a/b?token=x#y");
        assert_eq!(said, "https://host:8443/a/b?…");
        assert_eq!(public("http://host"), "http://host");
        assert_eq!(public("http://host?key=a/b@c"), "http://host?…");
    }

    #[test]
    fn references_are_resolved() {
        let base = "http://host:1/a/b?page=1";
        for (reference, whole) in [
            ("https://other/x", "https://other/x"),
            ("//other/x", "http://other/x"),
            ("/x?y=http://z", "http://host:1/x?y=http://z"),
            ("?page=2", "http://host:1/a/b?page=2"),
            ("c", "http://host:1/a/c"),
            ("", "http://host:1/a/b"),
        ] {
            assert_eq!(join(base, reference), whole, "{reference}");
        }
        assert_eq!(join("http://host", "c"), "http://host/c");
        assert_eq!(origin("http://host?x=/"), "http://host");
    }

    #[test]
    fn other_schemes_are_refused() {
        check("https://host/").unwrap();
        for bad in ["ftp://host/", "host", "http://", "http:///x"] {
            assert!(check(bad).unwrap_err().message().starts_with("url: "), "{bad}");
        }
    }
}
