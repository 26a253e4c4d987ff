//! What a convolution does to a picture: the classic filters, and numbers of the user's own.

mod apply;
mod kinds;
mod picture;

pub use apply::apply;
pub use kinds::{Filter, FilterError};
pub use picture::picture;
