//! "Did you mean ...?"

/// The candidate most like `word`, if any is like it.
///
/// ```
/// assert_eq!(lenslet_model::nearest("filtres", ["filters", "padding"]), Some("filters"));
/// assert_eq!(lenslet_model::nearest("xyz", ["filters", "padding"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(&lower, &c.to_lowercase()), c))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// What to do about a message of serde's: on an unknown field or variant it lists first the
/// unknown word and then the possible ones, each in backticks; the nearest is named.
///
/// ```
/// let message = "unknown field `unit`, expected `units` or `activation`";
/// assert_eq!(lenslet_model::serde_hint(message).unwrap(), "did you mean `units`?");
/// ```
pub fn serde_hint(message: &str) -> Option<String> {
    let start = ["unknown field", "unknown variant"].iter().find_map(|m| message.find(m))?;
    let mut words = message[start..].split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    nearest(unknown, words).map(|word| format!("did you mean `{word}`?"))
}
