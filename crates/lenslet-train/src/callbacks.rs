//! Observers that steer a training, with Keras's names and rules.

mod early_stopping;
mod model_checkpoint;
mod monitor;
mod reduce_lr_on_plateau;

pub use early_stopping::EarlyStopping;
pub use model_checkpoint::{ModelCheckpoint, SaveResult, SaveWhen};
pub use monitor::Quantity;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
