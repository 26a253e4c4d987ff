//! Files of Lenslet.
//!
//! * [`write()`] puts a file under its final name whole or not at all; [`read()`] reads one that is
//!   not too large.
//! * [`SavedModel`] is a model with its classes and preprocessing as canonical JSON;
//!   [`write_weights`] and [`read_weights`] keep it in one safetensors file with its parameters.
//! * [`RunConfig`] holds all that repeats a run exactly, [`HistoryRow`] what each epoch gave,
//!   [`confusion_csv`] and [`label_csv`] what was taken for what.
//! * [`Checkpoints`] keep all that a training needs to go on; [`CheckpointWriter`] writes them beside
//!   it.
//! * [`Run`] is the folder in which a training leaves all of these.
//!
//! Files are a closed world: what is read holds no code, keys that are not known are refused, and
//! memory is bounded by the bytes that are there. Nothing here trains or prints, and no clock decides a result.
#![forbid(unsafe_code)]

mod atomic;
mod checkpoint;
mod checkpoints;
mod config;
mod confusion;
mod csv_logger;
mod error;
mod files;
mod history;
mod read;
mod read_weights;
mod run;
mod run_file;
mod run_lock;
mod run_result;
mod saved_model;
mod weights;

pub use atomic::write;
pub use checkpoint::{decode_checkpoint, encode_checkpoint, read_checkpoint};
pub use checkpoints::{CheckpointWriter, Checkpoints, Found};
pub use config::{DataConfig, Difference, RunConfig, TrainingConfig};
pub use confusion::{ConfusionTable, confusion_csv, label_csv, read_confusion};
pub use csv_logger::CsvLogger;
pub use error::{ContentError, StoreError};
pub use files::{Disk, Files, NewFile};
pub use history::{HistoryRow, read_history, write_history};
pub use read::read;
pub use read_weights::{TrainedModel, WeightsFile, decode_weights, read_parameters, read_weights};
pub use run::{Run, run_name};
pub use run_file::{Format, RunFile};
pub use run_lock::RunLock;
pub use run_result::RunResult;
pub use saved_model::{Preprocessing, SavedModel};
pub use weights::{encode_weights, write_weights};
