//! The macro for small enums that are stored as bits and written as short codes.

/// Defines an enum that fills its bits (`u2`: four variants, `u5`: 32), with one text code per
/// variant for `Display`, `FromStr` and `serde`. Value 0 is the default.
macro_rules! coded_enum {
    (
        $(#[$meta:meta])*
        $bits:ident $name:ident $noun:literal {
            $($variant:ident = $value:tt => $code:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[bitbybit::bitenum($bits, exhaustive = true)]
        #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("`", $code, "`, stored as ", $value, ".")]
                $variant = $value,
            )+
        }

        impl $name {
            /// Every variant, in the order of its stored value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The short text code that `Display`, `FromStr` and `serde` use.
            #[inline]
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }

        impl Default for $name {
            #[inline]
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.code())
            }
        }

        impl core::str::FromStr for $name {
            type Err = crate::error::RecordError;

            /// Reads the exact code, case included.
            fn from_str(code: &str) -> Result<Self, Self::Err> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(crate::error::RecordError::UnknownCode {
                        noun: $noun,
                        code: code.into(),
                    }),
                }
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.code())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(crate::serde_form::CodeVisitor::new(concat!(
                    "the code of a ", $noun
                )))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::{Country, Language, Plan, RecordError, Role};

    macro_rules! codes_read_back {
        ($name:ident, $bits:literal) => {{
            assert_eq!($name::ALL.len(), 1 << $bits, "{} fills its bits", stringify!($name));
            for (value, &variant) in $name::ALL.iter().enumerate() {
                assert_eq!(variant.raw_value().value() as usize, value);
                assert_eq!(variant.code().parse::<$name>().unwrap(), variant);
            }
            assert_eq!($name::default(), $name::ALL[0]);
        }};
    }

    #[test]
    fn every_code_reads_back_as_its_variant() {
        codes_read_back!(Country, 5);
        codes_read_back!(Language, 4);
        codes_read_back!(Plan, 2);
        codes_read_back!(Role, 2);
    }

    #[test]
    fn an_unknown_code_is_named_in_the_error() {
        let error = "Atlantis".parse::<Country>().unwrap_err();
        assert_eq!(error, RecordError::UnknownCode { noun: "country", code: "Atlantis".into() });
        assert_eq!(error.to_string(), "`Atlantis` is no known country code");
    }
}
