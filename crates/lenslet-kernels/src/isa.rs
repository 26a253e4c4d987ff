//! Instruction sets: which vector instructions the fast kernels use.

use std::fmt;
use std::str::FromStr;

use crate::arch::Portable;
#[cfg(target_arch = "x86_64")]
use crate::arch::{Avx2, Avx512};
use crate::simd::{Simd, dispatch};

/// An instruction set that this CPU has.
///
/// A value is a proof: each variant holds a token that only a check of the CPU makes, so there is
/// no `Isa` for instructions that are missing. The same calls give the same bits for the same
/// `Isa`; between two of them sums are rounded differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// Whatever the compiler takes for granted on this architecture.
    Portable(Portable),
    /// AVX2 with fused multiply-add, BMI 1 and 2, and POPCNT: 8 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F, VL, BW and DQ: 16 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Isa {
    /// The best that this CPU has.
    pub fn detect() -> Self {
        Self::available().next().unwrap_or(Self::Portable(Portable))
    }

    /// All that this CPU has, best first.
    pub fn available() -> impl Iterator<Item = Self> {
        ["avx512", "avx2", "portable"].into_iter().filter_map(|name| name.parse().ok())
    }

    /// The name that [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }

    /// Numbers in a vector.
    pub fn lanes(self) -> usize {
        #[inline(always)]
        fn lanes<S: Simd>(_: S) -> usize {
            S::LANES
        }
        dispatch!(self, |s| lanes(s))
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads `portable`, `avx2` or `avx512`; what this CPU does not have is an error.
impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Self, IsaError> {
        let isa = match name {
            "portable" => Some(Self::Portable(Portable)),
            #[cfg(target_arch = "x86_64")]
            "avx2" => Avx2::new().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            "avx512" => Avx512::new().map(Self::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            "avx2" | "avx512" => None,
            _ => return Err(IsaError::Unknown(name.into())),
        };
        isa.ok_or_else(|| IsaError::Unavailable(name.into()))
    }
}

/// Why a name is not an [`Isa`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsaError {
    /// There is no instruction set of this name.
    Unknown(String),
    /// This CPU does not have it.
    Unavailable(String),
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "unknown instruction set {name:?}: expected portable, avx2 or avx512")
            }
            Self::Unavailable(name) => {
                let best = Isa::detect();
                write!(f, "this CPU does not have {name}; the best that it has is {best}")
            }
        }
    }
}

impl std::error::Error for IsaError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for isa in Isa::available() {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
    }

    #[test]
    fn portable_is_always_there() {
        assert_eq!(Isa::available().last(), Some(Isa::Portable(Portable)));
        assert_eq!(Isa::available().next(), Some(Isa::detect()));
    }

    #[test]
    fn wider_ones_are_better() {
        let lanes: Vec<_> = Isa::available().map(Isa::lanes).collect();
        assert!(lanes.is_sorted_by(|a, b| a > b), "{lanes:?}");
    }

    #[test]
    fn unknown_names_are_errors() {
        let error = "AVX2".parse::<Isa>().unwrap_err();
        assert!(error.to_string().contains("expected portable, avx2 or avx512"), "{error}");
    }
}
