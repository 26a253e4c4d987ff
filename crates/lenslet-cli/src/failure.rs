//! How a command can end badly, and with which exit code.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use lenslet_data::DataError;
use lenslet_engine::EngineError;
use lenslet_formats::FormatError;
use lenslet_model::ModelError;
use lenslet_report::PictureError;
use lenslet_store::{ContentError, StoreError};
use lenslet_train::TrainError;

use crate::interrupt;

/// Why a command did not do, or not wholly do, what it was told.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments make no sense: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(String),
    /// Already said; exit code 1.
    Said,
    /// This signal, after everything was saved: exit code 130 for Ctrl-C, 143 for SIGTERM.
    Interrupted(i32),
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
            Self::Interrupted(signal) => (None, interrupt::code(signal)),
        };
        if let Some(message) = message {
            // There is nowhere left to complain to where this fails.
            let _ = writeln!(io::stderr(), "error: {}", message.trim_end());
        }
        ExitCode::from(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Failed(message) => f.write_str(message),
            Self::Said => f.write_str("it failed"),
            Self::Interrupted(signal) => write!(f, "signal {signal} ended it"),
        }
    }
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
