//! Matrix products of a fully connected layer: `x` is `n x in`, `w` is `in x out`, `y` is
//! `n x out`.
//!
//! * [`forward`], where zeros of `x` are worth skipping by [`skip`];
//! * [`grad_input`] and [`grad_weights`];
//! * [`backward_update`]: both and the optimiser, in one pass over the weights;
//! * [`tile`]: the inner loop.
//!
//! All products are cut into tasks by the shape alone, and every element is summed by one task in
//! a fixed order.

mod backward_update;
mod forward;
mod grad_input;
mod grad_weights;
mod skip;
mod tile;

pub(super) use backward_update::backward_update;
pub(super) use forward::{forward, forward_made};
pub(super) use grad_input::grad_input;
pub(super) use grad_weights::{backward_made, grad_bias, grad_weights};
