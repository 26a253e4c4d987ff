//! Losses of one sample: its outputs against what they should be.
//!
//! The formulas are Keras's, on TensorFlow. One row of a few numbers: what there is to vectorise
//! (exponentials) is the kernels'; the rest is written once, for the reference and the fast kernels.

use crate::{Activation, Kernels, Real, cross_entropy};

/// What the outputs of a sample should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// 1 for this class, 0 for all others.
    Class(usize),
    /// A number for each output.
    Numbers(&'a [f32]),
}

/// A loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Its formula.
    pub formula: Formula,
    /// Whether outputs are logits, of which the loss takes softmax or sigmoid itself.
    pub from_logits: bool,
    /// Share of the target that goes to all outputs evenly, in `0..1`: targets become
    /// `t (1 - s) + s / n` for `n` classes, or `t (1 - s) + s / 2` where each output is by itself.
    pub label_smoothing: f64,
}

/// The formula of a loss: `t` are the targets, `p` the probabilities, all sums over outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Formula {
    /// `-sum(t log(p))`, for class targets: probabilities that are no softmax of ours are clipped,
    /// then divided by their sum.
    SparseCategorical,
    /// `-sum(t log(p))`: probabilities are divided by their sum, then clipped.
    Categorical,
    /// `-alpha sum(t (1 - p)^gamma log(p))` (Lin et al. 2017).
    CategoricalFocal {
        /// Factor.
        alpha: f64,
        /// How much less sure outputs count.
        gamma: f64,
    },
    /// `-mean(t log(p) + (1 - t) log(1 - p))`.
    Binary,
    /// `mean(w (1 - q)^gamma e)` with `e` the terms of [`Self::Binary`], `q = t p + (1 - t)(1 - p)`
    /// and `w = t alpha + (1 - t)(1 - alpha)`, or 1 without `alpha` (Lin et al. 2017).
    BinaryFocal {
        /// Weight of targets of 1, one less that of targets of 0.
        alpha: Option<f64>,
        /// How much less sure outputs count.
        gamma: f64,
    },
    /// `mean((t - y)^2)` of the outputs as they are.
    MeanSquared,
}

impl Formula {
    /// Whether each output is a probability by itself.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Binary | Self::BinaryFocal { .. })
    }
}

/// Keras's `epsilon()`.
const EPSILON: f64 = 1e-7;

fn clip<R: Real>(p: R) -> R {
    let (low, high) = (R::from_f64(EPSILON), R::from_f64(1.0 - EPSILON));
    if p < low {
        low
    } else if p > high {
        high
    } else {
        p
    }
}

/// A sample's smoothed targets.
struct Targets<'a> {
    target: Target<'a>,
    /// Smoothed `t` is `t * rest + even`.
    rest: f64,
    even: f64,
}

impl<'a> Targets<'a> {
    fn new(loss: &Loss, target: Target<'a>, outputs: usize) -> Self {
        match target {
            Target::Class(class) => assert!(class < outputs, "a class of the outputs"),
            Target::Numbers(numbers) => assert_eq!(numbers.len(), outputs),
        }
        let share = if loss.formula.is_binary() { 0.5 } else { 1.0 / outputs as f64 };
        let smoothing = match loss.formula {
            Formula::MeanSquared => 0.0,
            _ => loss.label_smoothing,
        };
        Self { target, rest: 1.0 - smoothing, even: smoothing * share }
    }

    fn get<R: Real>(&self, output: usize) -> R {
        let target = match self.target {
            Target::Class(class) => f64::from(u8::from(class == output)),
            Target::Numbers(numbers) => f64::from(numbers[output]),
        };
        R::from_f64(target * self.rest + self.even)
    }

    fn sum<R: Real>(&self, outputs: usize) -> R {
        (0..outputs).map(|i| self.get::<R>(i)).sum()
    }
}

/// The loss; logits in `y` become probabilities.
pub(crate) fn forward<K: Kernels>(
    kernels: &K,
    loss: Loss,
    y: &mut [K::Real],
    target: Target<'_>,
) -> K::Real {
    let t = Targets::new(&loss, target, y.len());
    match (loss.formula, loss.from_logits, target) {
        (Formula::SparseCategorical | Formula::Categorical, true, Target::Class(class))
            if t.even == 0.0 =>
        {
            kernels.softmax_cross_entropy(y, class)
        }
        (Formula::SparseCategorical, false, Target::Class(class)) if t.even == 0.0 => {
            cross_entropy::forward(y, class)
        }
        (Formula::SparseCategorical | Formula::Categorical, true, _) => {
            softmax_cross_entropy(kernels, &t, y)
        }
        (Formula::SparseCategorical | Formula::Categorical, false, _) => {
            let sum: K::Real = y.iter().copied().sum();
            let terms = y.iter().enumerate();
            terms.map(|(i, &p)| -(t.get::<K::Real>(i) * clip(p / sum).ln())).sum()
        }
        (Formula::CategoricalFocal { alpha, gamma }, from_logits, _) => {
            if from_logits {
                kernels.softmax(y.len(), y);
            }
            let [alpha, gamma] = [alpha, gamma].map(K::Real::from_f64);
            let sum: K::Real = y.iter().copied().sum();
            let terms = y.iter().enumerate().map(|(i, &p)| {
                let o = clip(p / sum);
                -(t.get::<K::Real>(i) * o.ln()) * (K::Real::ONE - o).powf(gamma) * alpha
            });
            terms.sum()
        }
        (Formula::Binary, true, _) => {
            let terms = y.iter().enumerate().map(|(i, &z)| logistic(z, t.get(i)));
            let sum: K::Real = terms.sum();
            kernels.activate(Activation::Sigmoid, y);
            sum / count(y)
        }
        (Formula::Binary, false, _) => mean(y, |i, p| binary(p, t.get(i))),
        (Formula::BinaryFocal { alpha, gamma }, from_logits, _) => {
            if from_logits {
                kernels.activate(Activation::Sigmoid, y);
            }
            let gamma = K::Real::from_f64(gamma);
            mean(y, |i, p| {
                let t = t.get(i);
                weight(alpha, t) * unsure(p, t).powf(gamma) * binary(p, t)
            })
        }
        (Formula::MeanSquared, ..) => {
            mean(y, |i, y| (t.get::<K::Real>(i) - y) * (t.get::<K::Real>(i) - y))
        }
    }
}

/// Gradient of `scale *` [`forward`], from what that left in `y`, with respect to what was there
/// before; `dy` is overwritten.
pub(crate) fn backward<K: Kernels>(
    kernels: &K,
    loss: Loss,
    y: &[K::Real],
    target: Target<'_>,
    scale: K::Real,
    dy: &mut [K::Real],
) {
    assert_eq!(y.len(), dy.len());
    let t = Targets::new(&loss, target, y.len());
    let each = scale / count(y);
    match (loss.formula, loss.from_logits, target) {
        (Formula::SparseCategorical | Formula::Categorical, true, Target::Class(class))
            if t.even == 0.0 =>
        {
            kernels.softmax_cross_entropy_backward(y, class, scale, dy);
        }
        (Formula::SparseCategorical, false, Target::Class(class)) if t.even == 0.0 => {
            cross_entropy::backward(y, class, scale, dy);
        }
        (Formula::SparseCategorical | Formula::Categorical, true, _) => {
            let sum = t.sum::<K::Real>(y.len());
            fill(y, dy, |i, p| scale * (sum * p - t.get(i)));
        }
        (Formula::SparseCategorical | Formula::Categorical, false, _) => {
            normalized(y, dy, |i, o| -(scale * t.get(i)) / o);
        }
        (Formula::CategoricalFocal { alpha, gamma }, from_logits, _) => {
            let [alpha, gamma] = [alpha, gamma].map(K::Real::from_f64);
            normalized(y, dy, |i, o| {
                let rest = K::Real::ONE - o;
                let steeper = power_slope(rest, gamma) * o.ln() - rest.powf(gamma) / o;
                scale * alpha * t.get(i) * steeper
            });
            if from_logits {
                kernels.softmax_backward(y.len(), y, dy);
            }
        }
        (Formula::Binary, true, _) => fill(y, dy, |i, p| each * (p - t.get(i))),
        (Formula::Binary, false, _) => fill(y, dy, |i, p| each * binary_slope(p, t.get(i))),
        (Formula::BinaryFocal { alpha, gamma }, from_logits, _) => {
            let gamma = K::Real::from_f64(gamma);
            fill(y, dy, |i, p| {
                let t = t.get(i);
                let unsure = unsure(p, t);
                let away = K::Real::ONE - (t + t);
                let slope = power_slope(unsure, gamma) * away * binary(p, t)
                    + unsure.powf(gamma) * binary_slope(p, t);
                each * weight(alpha, t) * slope
            });
            if from_logits {
                kernels.activate_backward(Activation::Sigmoid, y, dy);
            }
        }
        (Formula::MeanSquared, ..) => fill(y, dy, |i, y| {
            let off = y - t.get(i);
            each * (off + off)
        }),
    }
}

fn count<R: Real>(y: &[R]) -> R {
    R::from_f64(y.len() as f64)
}

fn mean<R: Real>(y: &[R], term: impl Fn(usize, R) -> R) -> R {
    y.iter().enumerate().map(|(i, &y)| term(i, y)).sum::<R>() / count(y)
}

fn fill<R: Real>(y: &[R], dy: &mut [R], slope: impl Fn(usize, R) -> R) {
    for (i, (dy, &y)) in dy.iter_mut().zip(y).enumerate() {
        *dy = slope(i, y);
    }
}

/// `sum(t) log(sum(exp(z))) - sum(t z)`, with the largest `z` taken off; `z` becomes its softmax.
fn softmax_cross_entropy<K: Kernels>(kernels: &K, t: &Targets<'_>, z: &mut [K::Real]) -> K::Real {
    let logits = |z: &[K::Real], max: K::Real| {
        let terms = z.iter().enumerate();
        terms.map(|(i, &z)| t.get::<K::Real>(i) * (z - max)).sum::<K::Real>()
    };
    let at = largest(z);
    let dot = logits(z, z[at]);
    kernels.softmax(z.len(), z);
    // The largest becomes 1 / sum(exp(z - max)).
    -(t.sum::<K::Real>(z.len()) * z[at].ln()) - dot
}

/// The first of the largest numbers.
fn largest<R: Real>(z: &[R]) -> usize {
    (0..z.len()).fold(0, |best, i| if z[i] > z[best] { i } else { best })
}

/// The gradient through `o = p / sum(p)`, clipped: `slope` is that with respect to `o`.
fn normalized<R: Real>(p: &[R], dp: &mut [R], slope: impl Fn(usize, R) -> R) {
    let sum: R = p.iter().copied().sum();
    let mut dot = R::ZERO;
    for (i, (dp, &p)) in dp.iter_mut().zip(p).enumerate() {
        let o = p / sum;
        *dp = if clip(o) == o { slope(i, o) } else { R::ZERO };
        dot += *dp * o;
    }
    dp.iter_mut().for_each(|dp| *dp = (*dp - dot) / sum);
}

/// `-log(sigmoid(z))` for a target of 1, `-log(1 - sigmoid(z))` for 0: never overflows.
fn logistic<R: Real>(z: R, t: R) -> R {
    let (above, away) = if z > R::ZERO { (z, -z) } else { (R::ZERO, z) };
    above - z * t + (R::ONE + away.exp()).ln()
}

/// `-(t log(p) + (1 - t) log(1 - p))`, `p` clipped.
fn binary<R: Real>(p: R, t: R) -> R {
    let p = clip(p);
    -(t * p.ln() + (R::ONE - t) * (R::ONE - p).ln())
}

fn binary_slope<R: Real>(p: R, t: R) -> R {
    if clip(p) != p {
        return R::ZERO;
    }
    (R::ONE - t) / (R::ONE - p) - t / p
}

/// One less the probability of the target.
fn unsure<R: Real>(p: R, t: R) -> R {
    R::ONE - (t * p + (R::ONE - t) * (R::ONE - p))
}

fn weight<R: Real>(alpha: Option<f64>, t: R) -> R {
    match alpha.map(R::from_f64) {
        Some(alpha) => t * alpha + (R::ONE - t) * (R::ONE - alpha),
        None => R::ONE,
    }
}

/// The derivative of `x^gamma`, which is 0 for `gamma = 0` everywhere.
fn power_slope<R: Real>(x: R, gamma: R) -> R {
    if gamma == R::ZERO { R::ZERO } else { gamma * x.powf(gamma - R::ONE) }
}
