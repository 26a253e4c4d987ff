//! A row of the weights while samples pass it.

use super::products::{Products, Sums};
use crate::fast::dense::tile::{load_row, store_row};
use crate::fast::optimizer::{Adam, Odd};
use crate::simd::{LINE, Simd};

/// One row of the weights and the samples that pass it.
#[derive(Clone, Copy)]
pub(super) struct Row<S: Simd> {
    /// A bit for each that is not to be skipped.
    pub(super) samples: u32,
    /// Its place among the rows.
    pub(super) r: usize,
    /// The first sample's inputs, that of the first row in front, and from one sample to the next.
    pub(super) x: *const f32,
    pub(super) x_stride: usize,
    /// The first sample's gradients of the outputs, and from one sample to the next.
    pub(super) dy: *const f32,
    pub(super) stride: usize,
    /// From one sample to the next where the gradients of the inputs go.
    pub(super) to_stride: usize,
    /// Whether the row's gradient begins here.
    pub(super) fresh: bool,
    /// The rule, where the gradient ends here and it can be applied at once.
    pub(super) rule: Option<Adam<S>>,
    /// How many numbers further on weights and moments are asked for.
    pub(super) ahead: usize,
}

/// What a row changes: `width` columns of each.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) w: *mut f32,
    /// Used where there is no rule, or earlier samples have passed.
    pub(super) gradient: *mut f32,
    /// Used where there is a rule.
    pub(super) moments: [*mut f32; 2],
    pub(super) width: usize,
}

impl Columns {
    /// Asks for `V` vectors of weights and moments so many numbers further on: the hardware does not
    /// look so far ahead that they could come from memory in time.
    #[inline(always)]
    fn ask_ahead<S: Simd, const V: usize>(self, s: S, numbers: usize) {
        for from in [self.w, self.moments[0], self.moments[1]] {
            for line in 0..(V * S::LANES).div_ceil(LINE) {
                s.prefetch_early(from.wrapping_add(numbers + line * LINE));
            }
        }
    }

    /// All but the first `n`.
    #[inline(always)]
    fn from(self, n: usize) -> Self {
        Self {
            w: self.w.wrapping_add(n),
            gradient: self.gradient.wrapping_add(n),
            moments: self.moments.map(|moment| moment.wrapping_add(n)),
            width: self.width - n,
        }
    }
}

impl<S: Simd> Row<S> {
    /// Adds the samples' products to the row's gradient or, with a rule, applies that. With `BACK`,
    /// lists the row's own products behind those that are waiting. Returns how many are waiting now:
    /// fewer than lanes.
    ///
    /// # Safety
    /// The samples have as many columns as the row, of which nobody else uses what [`Columns`] says
    /// is used.
    #[inline(always)]
    pub(super) unsafe fn run<const BACK: bool>(
        self,
        s: S,
        row: Columns,
        products: &mut Products,
        waiting: usize,
        sums: Sums,
        odd: &mut Odd<S>,
    ) -> usize {
        let (mut column, mut listed) = (0, waiting);
        while column < row.width {
            let own = Self { dy: self.dy.wrapping_add(column), ..self };
            let left = row.from(column);
            let begin = (waiting, column == 0);
            // As many vectors as leave registers for the weights, as many sums, and a few more.
            let vectors = match left.width / S::LANES {
                8.. if S::REGISTERS >= 32 => 8,
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            // SAFETY: the caller's promise.
            listed = unsafe {
                match vectors {
                    8 => own.vectors::<8, BACK>(s, left, products, begin, odd),
                    4 => own.vectors::<4, BACK>(s, left, products, begin, odd),
                    2 => own.vectors::<2, BACK>(s, left, products, begin, odd),
                    _ => own.vectors::<1, BACK>(s, left, products, begin, odd),
                }
            };
            column += vectors * S::LANES;
        }
        while listed >= S::LANES {
            listed -= S::LANES;
            // SAFETY: the caller's promise.
            unsafe { products.add_up(s, listed, S::LANES, sums) };
        }
        listed
    }

    /// The first `V` vectors, or fewer columns than one vector. The products are the `first` of
    /// their row, or add to those of earlier columns.
    ///
    /// # Safety
    /// As for [`Self::run`].
    #[inline(always)]
    unsafe fn vectors<const V: usize, const BACK: bool>(
        self,
        s: S,
        row: Columns,
        products: &mut Products,
        (waiting, first): (usize, bool),
        odd: &mut Odd<S>,
    ) -> usize {
        if self.rule.is_some() {
            row.ask_ahead::<S, V>(s, self.ahead);
        }
        let width = width::<S, V>(row);
        // SAFETY: the caller's promise.
        let (weights, mut sums): ([_; V], [_; V]) = unsafe {
            let fresh = [s.splat(0.0); V];
            let sums = if self.fresh { fresh } else { load_row(s, row.gradient, width) };
            (load_row(s, row.w, width), sums)
        };
        let mut left = self.samples;
        let mut at = waiting;
        while left != 0 {
            let i = left.trailing_zeros() as usize;
            left &= left - 1;
            // SAFETY: the caller's promise: the sample has this row, and `width` columns from here on.
            let (x, dy): (_, [_; V]) = unsafe {
                let x = s.splat(*self.x.add(i * self.x_stride + self.r));
                (x, load_row(s, self.dy.add(i * self.stride), width))
            };
            // Two sums, as one would wait for itself.
            let mut dots = [s.splat(0.0); 2];
            for v in 0..V {
                sums[v] = s.mul_add(x, dy[v], sums[v]);
                dots[v % 2] = s.mul_add(weights[v], dy[v], dots[v % 2]);
            }
            if BACK {
                let place = i * self.to_stride + self.r;
                products.put(s, at, s.add(dots[0], dots[1]), place, first);
                at += 1;
            }
        }
        // SAFETY: the caller's promise.
        unsafe {
            match self.rule {
                None => store_row(s, row.gradient, width, sums),
                Some(rule) => learn(s, rule, weights, sums, row, odd),
            }
        }
        at
    }
}

/// Applies the rule to the first `V` vectors, or as far as they go, with their gradient.
///
/// # Safety
/// Nobody else uses the row and its moments.
#[inline(always)]
unsafe fn learn<S: Simd, const V: usize>(
    s: S,
    rule: Adam<S>,
    weights: [S::F32; V],
    gradient: [S::F32; V],
    row: Columns,
    odd: &mut Odd<S>,
) {
    let [m, v] = row.moments;
    let width = width::<S, V>(row);
    // Of this row alone: a sum over all rows would have each wait for the one before.
    let mut seen = Odd::new(s);
    each_vector::<V>(
        #[inline(always)]
        |i| {
            let at = i * S::LANES;
            let n = S::LANES.min(width - at);
            let [p, m, v] = [row.w, m, v].map(|p| p.wrapping_add(at));
            // SAFETY: the caller's promise.
            unsafe {
                let ([first], [second]) = (load_row(s, m, n), load_row(s, v, n));
                let [new, first, second] = rule.vector(s, weights[i], gradient[i], [first, second]);
                store_row(s, p, n, [new]);
                store_row(s, m, n, [first]);
                store_row(s, v, n, [second]);
                // What lies behind a tail was zero and is something finite.
                seen.look(s, new);
            }
        },
    );
    odd.join(s, seen);
}

/// Columns of `V` vectors: all of them where there are several, which the compiler is to know.
#[inline(always)]
fn width<S: Simd, const V: usize>(row: Columns) -> usize {
    if V > 1 { V * S::LANES } else { row.width.min(S::LANES) }
}

/// Calls `f` with every number below `V`, at most 8: written out, as the compiler would not do it, and
/// arrays that are gone through in a loop leave their registers.
#[inline(always)]
fn each_vector<const V: usize>(mut f: impl FnMut(usize)) {
    macro_rules! each {
        ($($i:literal)*) => { $(if $i < V { f($i) })* };
    }
    each!(0 1 2 3 4 5 6 7);
}
