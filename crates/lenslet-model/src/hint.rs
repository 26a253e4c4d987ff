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

/// Adds "did you mean" to serde's message on an unknown field or variant, which lists first the
/// unknown word and then the possible ones, each in backticks.
pub(crate) fn with_hint(message: &str) -> String {
    if !message.contains("unknown field") && !message.contains("unknown variant") {
        return message.to_owned();
    }
    let start = message.find("unknown ").unwrap_or(0);
    let mut words = message[start..].split('`').skip(1).step_by(2);
    let Some(unknown) = words.next() else { return message.to_owned() };
    match nearest(unknown, words) {
        Some(word) => format!("{}; did you mean `{word}`?", message.trim_end()),
        None => message.to_owned(),
    }
}
