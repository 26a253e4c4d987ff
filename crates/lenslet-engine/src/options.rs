//! The choices that a caller has.

use lenslet_kernels::{Fast, Isa};

use crate::shortcuts::Shortcuts;

/// How a [`Cpu`](crate::Cpu) runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads; 0 for as many as the machine has cores. The results do not depend on it.
    pub threads: usize,
    /// Instruction set; `None` for the best that this CPU has.
    pub isa: Option<Isa>,
    /// What initial weights and dropout grow from.
    pub seed: u64,
    /// The shortcuts that it may take; all by default. With [`Shortcuts::NONE`] it computes
    /// exactly: direct and dense, one layer after the other.
    pub shortcuts: Shortcuts,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, isa: None, seed: 42, shortcuts: Shortcuts::ALL }
    }
}

impl Options {
    /// The kernels that they ask for.
    pub(crate) fn kernels(self) -> Fast {
        let isa = self.isa.unwrap_or_else(Isa::detect);
        let Shortcuts { winograd, skipping, .. } = self.shortcuts;
        Fast::new(isa).winograd(winograd).skipping(skipping)
    }
}
