//! What the optimisers' kernels are told: one description of a step per algorithm.

/// Numbers that an optimiser may keep of each parameter: its own, and the parameter's average.
pub const MOMENTS: usize = 4;

/// The numbers that an optimiser keeps: each slice as long as the parameters, or empty where the
/// update does not use it. The first three are the rule's own; the last is the parameters' average.
pub type Moments<'a, R> = [&'a mut [R]; MOMENTS];

/// What one Adam update needs besides the parameters (Kingma and Ba 2015, as Keras computes it).
///
/// `m += (g - m)(1 - beta_1)`, `v += (g*g - v)(1 - beta_2)`,
/// `p -= alpha * m / (sqrt(v) + epsilon)` with
/// `alpha = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)`:
/// epsilon stands *outside* the bias correction. The moments are `m` and `v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The learning rate with the bias correction of step `t` multiplied in.
    pub alpha: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Divides by the largest `v` so far, which is the third moment (Reddi et al. 2018).
    pub amsgrad: bool,
}

/// What one step of stochastic gradient descent needs besides the parameters.
///
/// Without momentum `p -= learning_rate * g`; with it `v = momentum * v - learning_rate * g`
/// and `p += v`, or `p += momentum * v - learning_rate * g` with Nesterov's look-ahead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// 0 turns momentum off: the velocity is then neither read nor written and may be empty.
    pub momentum: f64,
    /// Nesterov's form of momentum.
    pub nesterov: bool,
}

impl SgdStep {
    /// Plain descent.
    pub const fn plain(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0, nesterov: false }
    }
}

/// What one RMSprop step needs besides the parameters (Hinton 2012, as Keras computes it).
///
/// `v = rho * v + (1 - rho) g*g`, `step = learning_rate * g / sqrt(v + epsilon)`, `p -= step`. With
/// momentum `s = momentum * s + step` and `p -= s`. Centred, `a = rho * a + (1 - rho) g` and the root
/// is that of `v - a*a + epsilon`. The moments are `v`, `s` where there is momentum, `a` if centred.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of squared gradients.
    pub rho: f64,
    /// 0 turns momentum off.
    pub momentum: f64,
    /// Added below the root.
    pub epsilon: f64,
    /// Whether the square of the mean gradient is taken off.
    pub centered: bool,
}

/// What one Adagrad step needs besides the parameters (Duchi et al. 2011).
///
/// `a += g*g`, `p -= learning_rate * g / sqrt(a + epsilon)`. The moment is `a`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// Added below the root.
    pub epsilon: f64,
}

/// What one Nadam step needs besides the parameters (Dozat 2016, as Keras computes it).
///
/// Moments as Adam's; `p -= (by_m * m + by_g * g) / (by_root * sqrt(v) + epsilon)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NadamStep {
    /// The learning rate times the weight of the next step's momentum.
    pub by_m: f64,
    /// The learning rate times the weight of this step's gradient.
    pub by_g: f64,
    /// `1 / sqrt(1 - beta_2^t)`.
    pub by_root: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

/// What one Lion step needs besides the parameters (Chen et al. 2023).
///
/// `p -= learning_rate * sign(beta_1 * m + (1 - beta_1) g)`, then `m = beta_2 * m + (1 - beta_2) g`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LionStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// Share of the momentum in the direction.
    pub beta_1: f64,
    /// Decay of the momentum.
    pub beta_2: f64,
}

/// What the direction of a LAMB step needs besides the gradients (You et al. 2020): moments as
/// Adam's, `by_m * m / (sqrt(by_v * v) + epsilon)`.
///
/// The step is the direction times the learning rate and the norm of the parameters, divided by the
/// norm of the direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambStep {
    /// `1 / (1 - beta_1^t)`.
    pub by_m: f64,
    /// `1 / (1 - beta_2^t)`.
    pub by_v: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

/// An optimiser's rule for one parameter, the same for all of them: what a step of it needs besides
/// the parameters, their gradients and the moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// First and second moment, and with AMSGrad a third.
    Adam(AdamStep),
    /// The velocity is the first moment; unused without momentum.
    Sgd(SgdStep),
    /// Up to three moments.
    RmsProp(RmsPropStep),
    /// One moment.
    Adagrad(AdagradStep),
    /// First and second moment.
    Nadam(NadamStep),
    /// One moment.
    Lion(LionStep),
}

/// A rule and what is done around it, in this order and in one pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// The rule.
    pub rule: Rule,
    /// Gradients are multiplied by this.
    pub scale: f64,
    /// Then brought to between minus this and this; infinite for as they are.
    pub clip: f64,
    /// Parameters lose this share of themselves before the rule.
    pub decay: f64,
    /// After the rule the average, the last moment, becomes `share * average + (1 - share) * p`.
    pub average: Option<f64>,
}

impl From<Rule> for Update {
    /// Nothing around it.
    fn from(rule: Rule) -> Self {
        Self { rule, scale: 1.0, clip: f64::INFINITY, decay: 0.0, average: None }
    }
}

impl Update {
    /// Whether the rule sees the gradients as they are.
    pub(crate) fn takes_gradients_as_they_are(&self) -> bool {
        self.scale == 1.0 && self.clip == f64::INFINITY
    }

    /// Whether there is nothing around the rule.
    pub(crate) fn is_plain(&self) -> bool {
        self.takes_gradients_as_they_are() && self.decay == 0.0 && self.average.is_none()
    }
}
