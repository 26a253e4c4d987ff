//! "Did you mean ...?"

use lenslet_model::nearest;

/// What to do about serde's `message`: on an unknown field or variant it lists first the unknown
/// word and then the possible ones, each in backticks; the nearest is named.
pub(crate) fn hint(message: &str) -> Option<String> {
    let start = ["unknown field", "unknown variant"].iter().find_map(|m| message.find(m))?;
    let mut words = message[start..].split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    nearest(unknown, words).map(|word| format!("did you mean `{word}`?"))
}
