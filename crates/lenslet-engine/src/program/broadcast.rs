//! Values that are repeated to the shape of a larger one.

use std::ops::Range;

use lenslet_kernels::{Kernels, Real};

/// How a value is repeated along some of another one's axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broadcast {
    /// The larger value's axes, outermost first, neighbours of one kind as one.
    axes: Vec<Axis>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    len: usize,
    /// The smaller value has the same numbers all along it.
    repeated: bool,
}

impl Broadcast {
    /// Of a value of the shape `from` to the shape `to`, by NumPy's rules; `None` where both are as
    /// large. Checked before: the shapes fit.
    pub(crate) fn new(from: &[usize], to: &[usize]) -> Option<Self> {
        let missing = to.len() - from.len();
        let mut axes: Vec<Axis> = Vec::new();
        for (i, &len) in to.iter().enumerate().filter(|(_, len)| **len > 1) {
            let repeated = i < missing || from[i - missing] == 1;
            match axes.last_mut() {
                Some(last) if last.repeated == repeated => last.len *= len,
                _ => axes.push(Axis { len, repeated }),
            }
        }
        axes.iter().any(|axis| axis.repeated).then_some(Self { axes })
    }

    /// Working memory of [`Self::apply`]: the longest run of one number.
    pub(crate) fn room(&self) -> usize {
        self.axes.last().filter(|axis| axis.repeated).map_or(0, |axis| axis.len)
    }

    /// Calls `visit(small, large)` for stretches of both values, which are equally long, or of which
    /// the smaller one's is one number.
    fn each_run(&self, mut visit: impl FnMut(Range<usize>, Range<usize>)) {
        let sizes = |repeated: bool| {
            let axes = self.axes.iter().filter(|axis| repeated || !axis.repeated);
            axes.map(|axis| axis.len).product::<usize>()
        };
        walk(&self.axes, 0..sizes(false), 0..sizes(true), &mut visit);
    }

    /// `large = small`, repeated.
    pub(crate) fn expand<R: Real>(&self, small: &[R], large: &mut [R]) {
        self.each_run(|from, to| {
            let to = &mut large[to];
            match &small[from] {
                [one] => to.fill(*one),
                run => to.copy_from_slice(run),
            }
        });
    }

    /// `op(small, large)` on equally long stretches of both, by way of `room` where one number is
    /// repeated.
    pub(crate) fn apply<R: Real>(
        &self,
        small: &[R],
        large: &mut [R],
        room: &mut [R],
        op: impl Fn(&[R], &mut [R]),
    ) {
        self.each_run(|from, to| {
            let (small, large) = (&small[from], &mut large[to]);
            if small.len() == large.len() {
                return op(small, large);
            }
            let room = &mut room[..large.len()];
            room.fill(small[0]);
            op(room, large);
        });
    }

    /// Adds to each number of `small` all that [`Self::expand`] made of it: the way back.
    pub(crate) fn add_reduced<K: Kernels>(
        &self,
        kernels: &K,
        large: &[K::Real],
        small: &mut [K::Real],
    ) {
        self.each_run(|to, from| {
            let (large, small) = (&large[from], &mut small[to]);
            if small.len() == large.len() {
                return kernels.add(large, small);
            }
            large.iter().for_each(|&x| small[0] += x);
        });
    }
}

fn walk(
    axes: &[Axis],
    small: Range<usize>,
    large: Range<usize>,
    visit: &mut impl FnMut(Range<usize>, Range<usize>),
) {
    match axes {
        [] | [_] => visit(small, large),
        [first, rest @ ..] => {
            let step = large.len() / first.len;
            let small_step = if first.repeated { 0 } else { small.len() / first.len };
            let own = if first.repeated { small.len() } else { small_step };
            for i in 0..first.len {
                let (from, to) = (small.start + i * small_step, large.start + i * step);
                walk(rest, from..from + own, to..to + step, visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenslet_kernels::Reference;

    #[test]
    fn numbers_are_repeated_as_by_numpy() {
        let cases: [(&[usize], &[usize], &[f64]); 6] = [
            (&[2], &[2, 2], &[1.0, 2.0, 1.0, 2.0]),
            (&[2, 1], &[2, 2], &[1.0, 1.0, 2.0, 2.0]),
            (&[1, 1, 2], &[2, 1, 2], &[1.0, 2.0, 1.0, 2.0]),
            (&[1], &[2, 2], &[1.0, 1.0, 1.0, 1.0]),
            (&[1, 2, 1], &[2, 2, 2], &[1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]),
            (&[2, 1, 1], &[2, 1, 2], &[1.0, 1.0, 2.0, 2.0]),
        ];
        for (from, to, expected) in cases {
            let broadcast = Broadcast::new(from, to).unwrap();
            let small = &[1.0, 2.0][..from.iter().product()];
            let mut large = vec![f64::NAN; expected.len()];
            broadcast.expand(small, &mut large);
            assert_eq!(large, expected, "{from:?} to {to:?}");
            let mut room = vec![f64::NAN; broadcast.room()];
            broadcast.apply(small, &mut large, &mut room, |x, y| {
                y.iter_mut().zip(x).for_each(|(y, x)| *y -= x);
            });
            assert_eq!(large, vec![0.0; expected.len()], "{from:?} to {to:?}");
            let mut sums = vec![0.0; small.len()];
            let times = (expected.len() / small.len()) as f64;
            broadcast.add_reduced(&Reference::<f64>::new(), expected, &mut sums);
            assert_eq!(sums, small.iter().map(|x| x * times).collect::<Vec<_>>());
        }
        assert_eq!(Broadcast::new(&[3, 2], &[1, 3, 2]), None);
    }
}
