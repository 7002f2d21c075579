//! The language a user reads.

coded_enum! {
    /// The language a user reads: 15 languages and [`Language::Other`], in four bits.
    ///
    /// Text forms (`Display`, `FromStr`, `serde`) are the ISO 639 code; `und` (undetermined) is
    /// [`Language::Other`].
    u4 Language "language" {
        Other = 0 => "und",
        Arabic = 1 => "ar",
        Chinese = 2 => "zh",
        Dutch = 3 => "nl",
        English = 4 => "en",
        French = 5 => "fr",
        German = 6 => "de",
        Hindi = 7 => "hi",
        Indonesian = 8 => "id",
        Italian = 9 => "it",
        Japanese = 10 => "ja",
        Norwegian = 11 => "no",
        Polish = 12 => "pl",
        Portuguese = 13 => "pt",
        Spanish = 14 => "es",
        Swedish = 15 => "sv",
    }
}
