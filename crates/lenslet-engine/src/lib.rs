//! Runs a model on the CPU.
//!
//! [`Cpu`] is built once from a checked [`Network`](lenslet_model::Network) and from then on owns
//! everything that a step needs: a *program* (the layers lowered to operations on values), a
//! *plan* per batch size (where every value lies in memory) and one flat buffer each of
//! parameters, gradients and optimiser state. A step allocates nothing.
//!
//! Operations that look at one image at a time run image by image, so that an image's values stay
//! in the cache of the core that works on it; dense layers run over the whole batch. Images are
//! grouped by batch size alone and sums over groups follow a fixed tree: the same seed gives the
//! same bits for any number of threads.
#![forbid(unsafe_code)]

mod backward;
mod cpu;
mod engine;
mod error;
mod forward;
mod head;
mod initialize;
mod memory;
mod norm;
mod not_finite;
mod numbers;
mod options;
mod pack;
mod penalties;
mod plan;
mod profile;
mod program;
mod sharing;
mod shortcuts;
mod state;
mod steps;
mod tally;
mod targets;
mod update;
mod workspace;

pub use cpu::Cpu;
pub use engine::Engine;
pub use error::EngineError;
pub use not_finite::NotFinite;
pub use options::Options;
pub use profile::{Part, Phase, Profile, Row, Span, Total};
pub use shortcuts::{Shortcut, Shortcuts};
pub use state::State;
pub use tally::Tally;
pub use targets::Targets;
