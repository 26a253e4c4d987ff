//! What this machine could do at best.

use lenslet_kernels::{Isa, memory_bandwidth, peak_flops, peak_flops_together};

/// What a machine could do at best, as measured just now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// The instruction set.
    pub isa: Isa,
    /// Threads that compute.
    pub threads: usize,
    /// Floating-point operations a second of one core, see [`peak_flops`].
    pub core_peak: f64,
    /// Those of all threads together, see [`peak_flops_together`].
    pub peak: f64,
    /// Bytes a second that all threads together read and write, see [`memory_bandwidth`].
    pub bandwidth: f64,
}

impl Machine {
    /// Measures for about a second, and fills 192 MiB of memory. `None` is the best instruction set
    /// that there is, 0 threads are one for each CPU.
    pub fn measure(isa: Option<Isa>, threads: usize) -> Self {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { available() } else { threads };
        let isa = isa.unwrap_or_else(Isa::detect);
        Self {
            isa,
            threads,
            core_peak: peak_flops(isa),
            peak: peak_flops_together(isa, threads),
            bandwidth: memory_bandwidth(threads),
        }
    }
}
