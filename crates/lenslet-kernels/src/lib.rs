//! The arithmetic of Lenslet.
//!
//! Everything here works on slices and small shape structs: no layers, no files, no allocation in
//! a hot path. [`Kernels`] is the one interface; it has two implementations:
//!
//! * [`Reference`]: plain scalar loops, generic over `f32` and `f64`. It is the specification and,
//!   in `f64`, the oracle that every other implementation is tested against.
//! * [`Fast`]: `f32` vectors, chosen for the CPU at run time ([`Isa`]).
//!
//! Layouts: activations are NHWC (`height x width x channels`, channels fastest), convolution
//! filters are HWIO (`kernel_h x kernel_w x in x out`), dense weights are `in x out`.
//! Per-image kernels take one image and use no threads: the engine runs many images at once.
//! Kernels over a whole batch take [`Rows`] and a [`Team`].

mod arch;
mod buffer;
mod conv2d;
mod cross_entropy;
mod fast;
mod geometry;
mod group_norm;
mod grouped;
mod interface;
mod isa;
mod loss;
mod newton_schulz;
mod optimizer;
mod parts;
mod peak;
mod penalty;
mod philox;
mod real;
mod reference;
mod rows;
mod simd;
mod team;

pub use arch::Portable;
#[cfg(target_arch = "x86_64")]
pub use arch::{Avx2, Avx512};
pub use buffer::{Buffer, buffer};
pub use conv2d::{Algorithm, Conv2d};
pub use fast::Fast;
pub use geometry::{Axis, Conv2dShape, DepthwiseShape, Pool2dShape};
pub use grouped::GroupedConv2d;
pub use interface::{
    Activation, Conv2dBatch, Conv2dKernel, Finish, InputGradient, Kernels, Learned, MaxPool,
    OutputGradient, Pooled, SELU_ALPHA, SELU_SCALE,
};
pub use isa::{Isa, IsaError};
pub use loss::{Formula, Loss, Target};
pub use newton_schulz::{NewtonSchulz, orthogonalize};
pub use optimizer::{
    AdagradStep, AdamStep, LambStep, LionStep, MOMENTS, Moments, NadamStep, RmsPropStep, Rule,
    SgdStep, Update,
};
pub use parts::{Chunks, ChunksRef, Each, Parts, Times};
pub use peak::{memory_bandwidth, peak_flops, peak_flops_together};
pub use philox::Stream;
pub use real::Real;
pub use reference::{Reference, ReferenceConv2d};
pub use rows::{Rows, RowsMut};
pub use team::{Team, Watch};
