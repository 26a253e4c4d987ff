//! The choices that a caller has.

use lenslet_kernels::{Fast, Isa};

/// How a [`Cpu`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads; 0 for as many as the machine has cores. The results do not depend on it.
    pub threads: usize,
    /// Instruction set; `None` for the best that this CPU has.
    pub isa: Option<Isa>,
    /// What initial weights and dropout grow from.
    pub seed: u64,
    /// Every multiplication of the definition: no algorithm that rounds differently to be faster
    /// (Winograd's convolution). No by default.
    pub exact: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, isa: None, seed: 42, exact: false }
    }
}

impl Options {
    /// The kernels that they ask for.
    pub(crate) fn kernels(self) -> Fast {
        let isa = self.isa.unwrap_or_else(Isa::detect);
        if self.exact { Fast::exact(isa) } else { Fast::new(isa) }
    }
}
