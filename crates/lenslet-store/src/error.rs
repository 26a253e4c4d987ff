//! What can be wrong with files.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use lenslet_model::{ModelError, Problem};
use thiserror::Error;

/// Why a file or run folder cannot be read or written. Every message names the path and the way
/// out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}; {remedy}", path.display())]
    Io {
        /// What was tried: `read`, `write`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// What the file holds, or should hold, is wrong.
    #[error("{}: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ContentError,
    },
    /// The folder of a new run holds something.
    #[error(
        "{} exists and is not empty; a run never overwrites anything: choose another folder, or \
         remove this one",
        path.display()
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// Another program is at work in the run.
    #[error("{} is in use: another `lenslet train` is at work in it; wait for its end, or stop it", path.display())]
    InUse {
        /// The run's folder.
        path: PathBuf,
    },
    /// A checkpoint belongs to other settings than those of its run.
    #[error(
        "{} was made with other settings than those of the run's config.toml; put config.toml back \
         as it was, or begin a new run with --config",
        path.display()
    )]
    Settings {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The name of a new run cannot be the name of a folder.
    #[error("{name:?} cannot name a run; use up to 200 letters, digits, '.', '_' and '-'")]
    Name {
        /// The name.
        name: String,
    },
    /// A folder that holds no run.
    #[error(
        "{} is not a run: {what}; give a folder that `lenslet train` has left, such as \
         runs/synthetic-cnn, or make one with `lenslet train`",
        path.display()
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
}

/// What is wrong inside a file, or with what is to be written to one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// More bytes than a file of this kind may have.
    #[error("it holds more than {limit} bytes, too many for its kind; is it another file?")]
    TooLarge {
        /// The most there may be.
        limit: u64,
    },
    /// The text does not say what it should.
    #[error("{0}")]
    Text(Problem),
    /// The description of the model, or a setting, is refused.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights are damaged, or those of another model.
    #[error("{0}")]
    Weights(Problem),
}

impl StoreError {
    /// `action` on `path` failed.
    pub(crate) fn io(action: &'static str, path: &Path, error: io::Error) -> Self {
        let remedy = remedy(error.kind());
        Self::Io { action, path: path.to_owned(), source: error, remedy }
    }
}

impl ContentError {
    /// The same, with the file that it is about.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        StoreError::Content { path: path.to_owned(), source: self }
    }

    pub(crate) fn text(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Text(Problem::new(printable(what.into()), remedy))
    }

    pub(crate) fn weights(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Weights(Problem::new(printable(what.into()), remedy))
    }

    pub(crate) fn setting(
        setting: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let problem = Problem::new(what, remedy);
        Self::Model(ModelError::Setting { setting: setting.into(), problem })
    }
}

/// `text` without the control characters that a hostile file would send to the terminal: parsers
/// quote what they do not know.
fn printable(text: String) -> String {
    let harmless = |c: char| !c.is_control() || c == '\n';
    if text.chars().all(harmless) {
        return text;
    }
    let escape = |c: char| if harmless(c) { c.to_string() } else { c.escape_default().to_string() };
    text.chars().map(escape).collect()
}

fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "check that the path is right and its folder exists",
        ErrorKind::PermissionDenied => {
            "choose a place that you have the right to use, or change its permissions"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "free some space, or choose another disk"
        }
        ErrorKind::ReadOnlyFilesystem => "choose a folder on a disk that can be written to",
        ErrorKind::NotADirectory => {
            "a part of the path is a file where a folder should be: check the path"
        }
        ErrorKind::IsADirectory => "it is a folder: name a file",
        _ => "check the path and the disk",
    }
}
