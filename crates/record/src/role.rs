//! What a user may do.

coded_enum! {
    /// What a user may do, least first, in two bits.
    u2 Role "role" {
        Member = 0 => "member",
        Author = 1 => "author",
        Moderator = 2 => "moderator",
        Admin = 3 => "admin",
    }
}
