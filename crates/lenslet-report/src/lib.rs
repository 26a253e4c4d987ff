#![forbid(unsafe_code)]
//! Pictures of a training run: plain data in, one [`Picture`] out, as SVG and as PNG.
//!
//! Each picture is one function: [`accuracy_curves`], [`loss_curves`], [`confusion_matrix`],
//! [`label_matrix`], [`learning_rate_sweep`], [`sample_grid`], [`predictions_grid`],
//! [`wrong_labels_grid`] and [`filter::picture`]. Both formats are written from
//! the same list of shapes, with a font that travels inside the library, so a picture is the same
//! on a machine that has no fonts, and the same input gives the same bytes.
//!
//! ```
//! let picture = lenslet_report::accuracy_curves(&[0.41, 0.58, 0.66], &[0.44, 0.57, 0.61]);
//! assert!(picture.svg().starts_with("<svg"));
//! assert!(picture.png()?.starts_with(b"\x89PNG"));
//! # Ok::<(), lenslet_report::PictureError>(())
//! ```
//!
//! [`TensorBoard`] writes a training to files that TensorBoard opens, as it goes on.
//!
//! # Names
//! Class names may be any text. Control characters and invisible direction marks are taken out,
//! accents are composed (NFC), markup is escaped, and what is longer than 40 characters ends in
//! an ellipsis. The bundled font, DejaVu Sans, covers Latin, Greek, Cyrillic, Armenian, Georgian
//! and many symbols, but no Chinese, Japanese or Korean: such characters are boxes in the PNG.
//! The SVG keeps the text itself, so a viewer shows them with its own fonts; the same goes for
//! scripts that join their letters or run from right to left.

mod accuracy_curves;
mod colour;
mod confusion_matrix;
pub mod filter;
mod font;
mod label_matrix;
mod learning_rate_sweep;
mod line_chart;
mod loss_curves;
mod photo;
mod picture;
mod predictions_grid;
mod raster;
mod sample_grid;
mod scene;
mod svg;
mod tensorboard;
mod text;
mod ticks;
mod tiles;

pub use accuracy_curves::accuracy_curves;
pub use confusion_matrix::confusion_matrix;
pub use label_matrix::label_matrix;
pub use learning_rate_sweep::learning_rate_sweep;
pub use line_chart::{Curve, metric_curves};
pub use loss_curves::loss_curves;
pub use picture::{Picture, PictureError};
pub use predictions_grid::{LabelPrediction, Prediction, predictions_grid, wrong_labels_grid};
pub use sample_grid::{Sample, sample_grid};
pub use tensorboard::{EventFile, Setting, TensorBoard};
