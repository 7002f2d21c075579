//! Where a user lives.

use crate::language::Language;

coded_enum! {
    /// Where a user lives: 31 countries and [`Country::Other`], in five bits.
    ///
    /// Text forms (`Display`, `FromStr`, `serde`) are the ISO 3166-1 alpha-2 code; `ZZ`, which the
    /// standard leaves to its users, is [`Country::Other`].
    u5 Country "country" {
        Other = 0 => "ZZ",
        Argentina = 1 => "AR",
        Australia = 2 => "AU",
        Austria = 3 => "AT",
        Belgium = 4 => "BE",
        Brazil = 5 => "BR",
        Canada = 6 => "CA",
        Chile = 7 => "CL",
        China = 8 => "CN",
        Denmark = 9 => "DK",
        Egypt = 10 => "EG",
        Finland = 11 => "FI",
        France = 12 => "FR",
        Germany = 13 => "DE",
        India = 14 => "IN",
        Indonesia = 15 => "ID",
        Ireland = 16 => "IE",
        Italy = 17 => "IT",
        Japan = 18 => "JP",
        Kenya = 19 => "KE",
        Mexico = 20 => "MX",
        Netherlands = 21 => "NL",
        Nigeria = 22 => "NG",
        Norway = 23 => "NO",
        Poland = 24 => "PL",
        Portugal = 25 => "PT",
        SouthKorea = 26 => "KR",
        Spain = 27 => "ES",
        Sweden = 28 => "SE",
        Turkey = 29 => "TR",
        UnitedKingdom = 30 => "GB",
        UnitedStates = 31 => "US",
    }
}

impl Country {
    /// The language most people there use; [`Language::Other`] where [`Language`] lacks it.
    ///
    /// ```
    /// # use trommel_record::{Country, Language};
    /// assert_eq!(Country::Chile.main_language(), Language::Spanish);
    /// ```
    #[inline]
    #[must_use]
    pub const fn main_language(self) -> Language {
        match self {
            Self::Other | Self::SouthKorea | Self::Turkey | Self::Denmark | Self::Finland => {
                Language::Other
            }
            Self::Argentina | Self::Chile | Self::Mexico | Self::Spain => Language::Spanish,
            Self::Australia
            | Self::Canada
            | Self::Ireland
            | Self::Kenya
            | Self::Nigeria
            | Self::UnitedKingdom
            | Self::UnitedStates => Language::English,
            Self::Austria | Self::Germany => Language::German,
            Self::Belgium | Self::Netherlands => Language::Dutch,
            Self::Brazil | Self::Portugal => Language::Portuguese,
            Self::China => Language::Chinese,
            Self::Egypt => Language::Arabic,
            Self::France => Language::French,
            Self::India => Language::Hindi,
            Self::Indonesia => Language::Indonesian,
            Self::Italy => Language::Italian,
            Self::Japan => Language::Japanese,
            Self::Norway => Language::Norwegian,
            Self::Poland => Language::Polish,
            Self::Sweden => Language::Swedish,
        }
    }
}
