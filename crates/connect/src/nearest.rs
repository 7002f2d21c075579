//! What somebody may have meant.

/// Of some names the one that differs from `wanted` by no more than a third of its letters, case and
/// separators being free; what messages propose for a column that there isn't.
///
/// ```
/// let columns = ["air_time", "arr_time", "distance"];
/// assert_eq!(trommel_connect::nearest("airTime", columns), Some("air_time"));
/// assert_eq!(trommel_connect::nearest("carrier", columns), None);
/// ```
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let bare = |text: &str| {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<Vec<_>>()
    };
    let wanted = bare(wanted);
    names
        .into_iter()
        .map(|name| (distance(&wanted, &bare(name)), name))
        .filter(|(distance, _)| *distance <= wanted.len().div_ceil(3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Letters to insert, remove or replace to get from one to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let best = (corner + usize::from(a != b)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[to.len()]
}
