//! What can be wrong with a foreign file.

use lenslet_model::{ModelError, Problem};
use lenslet_store::ContentError;
use thiserror::Error;

/// Why bytes cannot be read, or a model cannot be written. Every message names the place and the
/// way out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes are not of the format: cut short, changed, or another kind of file.
    #[error("{0}")]
    Damaged(Problem),
    /// The file is sound, but holds what Lenslet does not have; or the format does not have what
    /// the model needs.
    #[error("{0}")]
    Unsupported(Problem),
    /// The layers that were read do not make a network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model could not be saved.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl FormatError {
    pub(crate) fn damaged(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Damaged(Problem::new(printable(what.into()), remedy))
    }

    pub(crate) fn unsupported(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unsupported(Problem::new(printable(what.into()), remedy))
    }
}

/// `text` without control characters, which a hostile name would send to the terminal.
fn printable(text: String) -> String {
    if !text.chars().any(char::is_control) {
        return text;
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
    text.chars().map(escape).collect()
}
