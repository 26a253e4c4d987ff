//! What every Rust contestant does alike: arguments, pictures, the clock, the line of results.

mod arguments;
mod clock;
mod denormals;
mod pictures;

pub use arguments::{Arguments, Work};
pub use clock::{Results, measure};
pub use denormals::flush_denormals;
pub use pictures::{Batch, Pictures, RECORD};
