//! What the tests of this crate share: instruction sets, random numbers and random shapes from one
//! seed.

#![allow(dead_code, reason = "every test file uses its own part")]

pub(crate) mod cases;
pub(crate) mod compare;
pub(crate) mod ulps;

use std::cell::Cell;

use lenslet_kernels::{Axis, Conv2dShape, Isa, Pool2dShape, Stream};

/// The instruction sets to test: all that this CPU has, or the one that `LENSLET_ISA` names.
pub(crate) fn isas() -> Vec<Isa> {
    match std::env::var("LENSLET_ISA") {
        Ok(name) if !name.is_empty() => {
            vec![name.parse().unwrap_or_else(|error| panic!("LENSLET_ISA: {error}"))]
        }
        _ => Isa::available().collect(),
    }
}

/// A source of random numbers for one test.
pub(crate) struct Random {
    stream: Stream,
    next: Cell<u64>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, 0, 0), next: Cell::new(0) }
    }

    fn index(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// A number in `low..=high`.
    pub(crate) fn size(&self, low: usize, high: usize) -> usize {
        low + self.stream.below(self.index(), (high - low + 1) as u64) as usize
    }

    /// One of several values.
    pub(crate) fn pick<T: Copy>(&self, values: &[T]) -> T {
        values[self.size(0, values.len() - 1)]
    }

    /// `n` standard normal numbers, each exactly an `f32`.
    pub(crate) fn normal(&self, n: usize) -> Vec<f64> {
        (0..n).map(|_| f64::from(self.stream.normal(self.index()) as f32)).collect()
    }

    /// A sliding window along an axis of at most `longest` elements.
    pub(crate) fn axis(&self, longest: usize) -> Axis {
        loop {
            let input = self.size(1, longest);
            let window = self.size(1, 5);
            let (stride, dilation) = self.pick(&[(1, 1), (1, 1), (2, 1), (3, 1), (1, 2), (2, 3)]);
            let make = self.pick(&[Axis::valid, Axis::same]);
            if let Some(axis) = make(input, window, stride, dilation) {
                return axis;
            }
        }
    }

    pub(crate) fn conv(&self, longest: usize, channels: usize) -> Conv2dShape {
        Conv2dShape {
            height: self.axis(longest),
            width: self.axis(longest),
            in_channels: self.size(1, channels),
            out_channels: self.size(1, channels),
        }
    }

    pub(crate) fn pool(&self, longest: usize, channels: usize) -> Pool2dShape {
        Pool2dShape {
            height: self.axis(longest),
            width: self.axis(longest),
            channels: self.size(1, channels),
        }
    }
}

/// The same numbers in `f32`.
pub(crate) fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
