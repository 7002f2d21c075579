//! Keys that occur twice, wherever in a row.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// Keys up to which they are compared one by one.
const FEW: usize = 16;

/// An error, at its place, when a key occurs twice in an object of `text`, or it is not JSON.
pub(super) fn check(text: &str) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(text);
    Unique.deserialize(&mut json)?;
    json.end()
}

/// Any value, of which nothing is kept.
#[derive(Clone, Copy)]
struct Unique;

impl<'a> DeserializeSeed<'a> for Unique {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method<E>(self, _: $type) -> Result<(), E> {
            Ok(())
        }
    )*};
}

impl<'a> Visitor<'a> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    plain! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str,
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut few, mut many) = (Vec::new(), HashSet::new());
        while let Some(key) = members.next_key_seed(Key)? {
            let is_new = match few.len() {
                FEW => !few.contains(&key) && many.insert(key.clone()),
                _ => !few.contains(&key),
            };
            if !is_new {
                return Err(A::Error::custom(format_args!("the key `{key}` occurs twice")));
            }
            if few.len() < FEW {
                few.push(key);
            }
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_is_found_at_any_depth_and_among_many() {
        let many = |last: &str| {
            let keys = (0..40).map(|key| format!("\"k{key}\":{key},"));
            format!("{{{}\"{last}\":0}}", keys.collect::<String>())
        };
        for good in [
            "{}",
            "[{\"a\":1},{\"a\":[1.5,-2,null,true,\"x\"]}]",
            "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
            "{\"\\u0061\":1,\"A\":2}",
            &many("k40"),
        ] {
            check(good).unwrap();
        }
        for bad in
            ["{\"a\":1,\"a\":1}", "[0,{\"b\":{\"a\":1,\"\\u0061\":2}}]", &many("k3"), &many("k39")]
        {
            assert!(check(bad).unwrap_err().to_string().contains("occurs twice"), "{bad}");
        }
        assert!(check("{\"a\":1").is_err());
        assert!(check("{} 1").is_err());
    }
}
