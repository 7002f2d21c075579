//! The same seed gives the same records, however they are asked for.

use std::collections::HashSet;
use std::thread;

use bumpalo::Bump;
use trommel_record::{Country, Flag, Generator, UserRecord, random, random_with_id, seed_random};

const SEED: u64 = 42;
const RECORDS: u64 = 1_000;

fn reference() -> Vec<UserRecord> {
    (0..RECORDS).map(|id| Generator::seeded(SEED).record(id)).collect()
}

#[test]
fn any_batch_size_gives_the_same_records() {
    let generator = Generator::seeded(SEED);
    for rows in [1, 7, 50, 64, 999, 1_000, 1_001] {
        let (mut all, mut batch) = (Vec::new(), Vec::new());
        for first_id in (0..RECORDS).step_by(rows) {
            let rows = rows.min((RECORDS - first_id) as usize);
            generator.batch(first_id, &mut batch, rows);
            assert_eq!(batch.len(), rows);
            all.append(&mut batch);
        }
        assert_eq!(all, reference(), "batches of {rows}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_records() {
    for workers in [1, 2, 4] {
        let share = RECORDS / workers;
        let handles: Vec<_> = (0..workers)
            .map(|worker| {
                let ids = worker * share..(worker + 1) * share;
                thread::spawn(move || Generator::seeded(SEED).records(ids).collect::<Vec<_>>())
            })
            .collect();
        let all: Vec<_> = handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect();
        assert_eq!(all, reference(), "{workers} workers");
    }
}

#[test]
fn the_iterator_runs_both_ways_and_skips() {
    let records = Generator::seeded(SEED).records(0..RECORDS);
    assert_eq!(records.size_hint(), (RECORDS as usize, Some(RECORDS as usize)));
    let mut reversed: Vec<_> = records.clone().rev().collect();
    reversed.reverse();
    assert_eq!(reversed, reference());
    assert_eq!(records.clone().nth(900), reference().into_iter().nth(900));
    assert!(records.step_by(37).eq(reference().into_iter().step_by(37)));
}

#[test]
fn the_arena_form_has_the_same_content() {
    let generator = Generator::seeded(SEED);
    let arena = Bump::new();
    let ids = || (0..RECORDS).chain([9_999_999_999, 123_456_789_012, u64::MAX]);
    for id in ids() {
        let (boxed, borrowed) = (generator.record(id), generator.generate_in(id, &arena));
        assert_eq!(borrowed, boxed);
        assert_eq!(borrowed.username(), boxed.username());
        assert_eq!(borrowed.email(), boxed.email());
        assert_eq!(borrowed.data_hash(), boxed.data_hash());
        assert_eq!(borrowed.checksum(), boxed.checksum());
        assert_eq!(borrowed.to_string(), boxed.to_string());
        assert_eq!(boxed.copy_in(&arena), borrowed.to_record());
        assert_eq!(boxed.borrowed(), borrowed);
        assert!(borrowed.username().ends_with(&id.to_string()));
        assert!(borrowed.email().starts_with(borrowed.username()));
    }
    assert_eq!(generator.batch_in(0, &arena, RECORDS as usize), reference());
}

#[test]
fn the_records_of_a_seed_stay_what_they_are() {
    let checksum = |seed| {
        let records = Generator::seeded(seed).records(0..10_000);
        records.fold(0, |sum: u64, user| sum.wrapping_add(user.checksum()))
    };
    // A change of these values breaks every recorded run and must be in the changelog.
    assert_eq!(checksum(0), 12_865_759_079_229_285_333);
    assert_eq!(checksum(SEED), 14_628_953_834_818_186_548);
    assert_eq!(
        Generator::seeded(SEED).record(7).to_string(),
        "#7 jose7 <jose7@me.test>, age 83, en-AU, free member, 1578 posts, 1049 followers, \
         38729 following, 2701 likes, \
         1734 logins, last on day 18296, active, \
         email_confirmed, deleted, dark_mode, open_messages, avatar"
    );
}

#[test]
fn seeds_and_ids_give_different_records() {
    let mut seen = HashSet::new();
    for seed in 0..20 {
        for user in Generator::seeded(seed).records(0..100) {
            assert!(seen.insert((user.counts(), user.profile())), "seed {seed}: {user}");
        }
    }
}

#[test]
fn generated_users_are_spread_over_what_users_can_be() {
    let users: Vec<_> = Generator::seeded(SEED).records(0..20_000).collect();
    let countries: HashSet<_> = users.iter().map(|user| user.profile().country()).collect();
    let languages: HashSet<_> = users.iter().map(|user| user.profile().language()).collect();
    let plans: HashSet<_> = users.iter().map(|user| user.profile().plan()).collect();
    let roles: HashSet<_> = users.iter().map(|user| user.profile().role()).collect();
    assert_eq!((countries.len(), languages.len(), plans.len(), roles.len()), (32, 16, 4, 4));
    assert_eq!(users.iter().map(UserRecord::age).min(), Some(13));
    assert_eq!(users.iter().map(UserRecord::age).max(), Some(88));

    let share = |test: &dyn Fn(&UserRecord) -> bool| {
        users.iter().filter(|user| test(user)).count() as f64 / users.len() as f64
    };
    for (flag, expected) in [(Flag::Active, 0.5), (Flag::Beta, 0.25), (Flag::Suspended, 0.125)] {
        let share = share(&|user| user.flag(flag));
        assert!((share - expected).abs() < 0.02, "{flag}: {share}");
    }
    let german = share(&|user| user.profile().country() == Country::Germany);
    assert!((german - 1.0 / 32.0).abs() < 0.01, "{german}");
    // The square of a uniform number is below a quarter half of the time.
    let quiet = share(&|user| user.counts().posts < 16_384);
    assert!((quiet - 0.5).abs() < 0.02, "{quiet}");
}

#[test]
fn an_empty_batch_is_empty() {
    let mut batch = vec![UserRecord::default()];
    Generator::seeded(SEED).batch(5, &mut batch, 0);
    assert!(batch.is_empty());
    assert!(Generator::seeded(SEED).batch_in(5, &Bump::new(), 0).is_empty());
}

#[test]
#[should_panic(expected = "below 2^64")]
fn a_batch_past_the_last_id_panics() {
    Generator::seeded(SEED).batch(u64::MAX, &mut Vec::new(), 2);
}

#[test]
fn the_thread_local_generator_is_seeded_for_its_thread_alone() {
    let draw = |seed| {
        seed_random(seed);
        (0..100).map(|_| random()).collect::<Vec<_>>()
    };
    let first = draw(1);
    assert_eq!(thread::spawn(move || draw(1)).join().unwrap(), first);
    assert_ne!(draw(2), first);
    assert!(first.iter().all(|user| user.id() < 10_000_000_000));

    // Another thread's seeding must not touch this one's generator.
    seed_random(1);
    thread::spawn(|| seed_random(9)).join().unwrap();
    assert_eq!(random(), first[0]);
    assert_eq!(random_with_id(77).id(), 77);
}
