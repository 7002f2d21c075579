/* trommel_record.h: the packed user record, as crates/record lays it out: 64 bytes, one cache line's
 * worth, 8-byte aligned, in the byte order of the machine. docs/record-layout.md has the map. Needs
 * nothing of the library.
 *
 * The texts are not NUL-terminated and belong to whoever made the record; they must live until the run
 * has ended.
 */
#ifndef TROMMEL_RECORD_H
#define TROMMEL_RECORD_H

#include <stddef.h>
#include <stdint.h>

typedef struct trommel_user_record {
    uint64_t id;
    const char *username;
    size_t username_length;
    const char *email;
    size_t email_length;
    uint64_t data_hash; /* trommel_data_hash(id) */
    uint16_t posts;
    uint16_t followers;
    uint16_t following;
    uint16_t likes;
    uint64_t profile; /* bitfields: TROMMEL_USER_* */
} trommel_user_record;

#ifdef __cplusplus
#define TROMMEL_STATIC_ASSERT(what) static_assert(what, #what)
#else
#define TROMMEL_STATIC_ASSERT(what) _Static_assert(what, #what)
#endif

#if UINTPTR_MAX == UINT64_MAX
TROMMEL_STATIC_ASSERT(sizeof(trommel_user_record) == 64);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, id) == 0);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, username) == 8);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, email) == 24);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, data_hash) == 40);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, posts) == 48);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, followers) == 50);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, following) == 52);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, likes) == 54);
TROMMEL_STATIC_ASSERT(offsetof(trommel_user_record, profile) == 56);
#endif

/* FIELD(name, first bit, bits) for each bitfield of `profile`; together they are all 64 bits. */
#define TROMMEL_USER_FIELDS(FIELD)                                                               \
    FIELD(age, 0, 7)                                                                             \
    FIELD(country, 7, 5)                                                                         \
    FIELD(language, 12, 4)                                                                       \
    FIELD(plan, 16, 2)                                                                           \
    FIELD(role, 18, 2)                                                                           \
    FIELD(verified, 20, 1)                                                                       \
    FIELD(active, 21, 1)                                                                         \
    FIELD(email_confirmed, 22, 1)                                                                \
    FIELD(two_factor, 23, 1)                                                                     \
    FIELD(newsletter, 24, 1)                                                                     \
    FIELD(marketing, 25, 1)                                                                      \
    FIELD(private, 26, 1)                                                                        \
    FIELD(suspended, 27, 1)                                                                      \
    FIELD(deleted, 28, 1)                                                                        \
    FIELD(beta, 29, 1)                                                                           \
    FIELD(trial, 30, 1)                                                                          \
    FIELD(dark_mode, 31, 1)                                                                      \
    FIELD(api_access, 32, 1)                                                                     \
    FIELD(open_messages, 33, 1)                                                                  \
    FIELD(avatar, 34, 1)                                                                         \
    FIELD(priority_support, 35, 1)                                                               \
    FIELD(last_login_day, 36, 16)                                                                \
    FIELD(logins, 52, 12)

/* trommel_user_age(user), trommel_user_set_age(user, 41) and the like; a value that has more bits than
 * its field loses the upper ones. */
#define TROMMEL_USER_ACCESSORS(name, first, bits)                                                \
    static inline uint32_t trommel_user_##name(const trommel_user_record *user) {                \
        return (uint32_t)(user->profile >> (first) & ((UINT64_C(1) << (bits)) - 1));             \
    }                                                                                            \
    static inline void trommel_user_set_##name(trommel_user_record *user, uint32_t value) {      \
        const uint64_t mask = ((UINT64_C(1) << (bits)) - 1) << (first);                          \
        user->profile = (user->profile & ~mask) | ((uint64_t)value << (first) & mask);           \
    }
TROMMEL_USER_FIELDS(TROMMEL_USER_ACCESSORS)
#undef TROMMEL_USER_ACCESSORS

#define TROMMEL_USER_SUM(name, first, bits) +(bits)
TROMMEL_STATIC_ASSERT(TROMMEL_USER_FIELDS(TROMMEL_USER_SUM) == 64);
#undef TROMMEL_USER_SUM

/* The hash that every record carries. */
static inline uint64_t trommel_data_hash(uint64_t id) {
    return id * UINT64_C(0x517cc1b727220a95);
}

#endif /* TROMMEL_RECORD_H */
