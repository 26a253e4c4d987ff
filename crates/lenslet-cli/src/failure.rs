//! How a command can end badly, and with which exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use lenslet_data::DataError;
use lenslet_engine::EngineError;
use lenslet_formats::FormatError;
use lenslet_model::ModelError;
use lenslet_report::PictureError;
use lenslet_store::{ContentError, StoreError};
use lenslet_train::TrainError;

/// Why a command did not do, or not wholly do, what it was told.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments make no sense: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(String),
    /// Already said; exit code 1.
    Said,
    /// Ctrl-C, after everything was saved: exit code 130.
    Interrupted,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// Says what is wrong on the error stream.
    pub(crate) fn report(self) -> ExitCode {
        let (message, code) = match self {
            Self::Usage(message) => (Some(message), 2),
            Self::Failed(message) => (Some(message), 1),
            Self::Said => (None, 1),
            Self::Interrupted => (None, interrupted_code()),
        };
        if let Some(message) = message {
            // There is nowhere left to complain to where this fails.
            let _ = writeln!(io::stderr(), "error: {}", message.trim_end());
        }
        ExitCode::from(code)
    }
}

/// What shells report of a program that Ctrl-C ended: 128 + SIGINT.
pub(crate) const fn interrupted_code() -> u8 {
    130
}

/// A library's error, as it words it.
macro_rules! failed {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Failed(error.to_string())
            }
        })*
    };
}

failed!(
    DataError,
    EngineError,
    FormatError,
    ModelError,
    PictureError,
    ContentError,
    StoreError,
    TrainError
);
