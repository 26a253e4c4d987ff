//! What normalising layers share: a scale `gamma` and a shift `beta` for each channel.

use super::{Axes, check_above_zero};
use crate::{Initializer, ParameterSpec, Problem, Regularizer, Shape};

/// Checks what the normalising layers have in common.
pub(super) fn check_epsilon(epsilon: f64) -> Result<(), Problem> {
    check_above_zero("epsilon", epsilon, "0.001")
}

/// Refuses an axis that is not the last one.
pub(super) fn check_channels(axis: &Axes, input: &Shape) -> Result<(), Problem> {
    if axis.trailing(input)? == 1 {
        return Ok(());
    }
    Err(Problem::new(
        format!("axis = {axis} is not its channels alone"),
        "channels are the last axis here; leave axis out, or write -1",
    ))
}

/// `gamma` and `beta` as far as they are wanted.
pub(super) fn parameters(
    shape: &[usize],
    gamma: Option<(Initializer, Regularizer)>,
    beta: Option<(Initializer, Regularizer)>,
) -> Vec<ParameterSpec> {
    let spec = |name, (initializer, regularizer)| {
        ParameterSpec::new(name, shape, initializer).regularized(regularizer)
    };
    let gamma = gamma.map(|gamma| spec("gamma", gamma));
    gamma.into_iter().chain(beta.map(|beta| spec("beta", beta))).collect()
}

/// A normalising layer: settings of its own, and those that all have.
macro_rules! normalizing_layer {
    (
        $(#[$doc:meta])* $name:ident {
            $(#[$axis_doc:meta])* axis,
            $($(#[$own_doc:meta])* $own:ident: $t:ty = $default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$own_doc])* pub $own: $t,)*
            $(#[$axis_doc])*
            #[serde(skip_serializing_if = "super::Axes::is_last")]
            pub axis: super::Axes,
            /// Added to the variance; 0.001.
            pub epsilon: f64,
            /// Whether there is a `beta`; yes.
            pub center: bool,
            /// Whether there is a `gamma`; yes.
            pub scale: bool,
            /// What `beta` holds before training; zeros.
            #[serde(skip_serializing_if = "crate::Initializer::is_zeros")]
            pub beta_initializer: crate::Initializer,
            /// What `gamma` holds before training; ones.
            #[serde(skip_serializing_if = "crate::Initializer::is_ones")]
            pub gamma_initializer: crate::Initializer,
            /// Penalty on `beta`; none.
            #[serde(skip_serializing_if = "crate::Regularizer::is_none")]
            pub beta_regularizer: crate::Regularizer,
            /// Penalty on `gamma`; none.
            #[serde(skip_serializing_if = "crate::Regularizer::is_none")]
            pub gamma_regularizer: crate::Regularizer,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($own: $default,)*
                    axis: super::Axes::default(),
                    epsilon: 1e-3,
                    center: true,
                    scale: true,
                    beta_initializer: super::zeros(),
                    gamma_initializer: super::ones(),
                    beta_regularizer: crate::Regularizer::default(),
                    gamma_regularizer: crate::Regularizer::default(),
                }
            }
        }

        impl $name {
            super::setters! {
                $(#[doc = concat!("Sets `", stringify!($own), "`.")] $own: $t,)*
                /// Sets the axes.
                axis: super::Axes,
                /// Sets what is added to the variance.
                epsilon: f64,
                /// Sets whether there is a `beta`.
                center: bool,
                /// Sets whether there is a `gamma`.
                scale: bool,
                /// Sets what `beta` holds before training.
                beta_initializer: crate::Initializer,
                /// Sets what `gamma` holds before training.
                gamma_initializer: crate::Initializer,
                /// Sets the penalty on `beta`.
                beta_regularizer: crate::Regularizer,
                /// Sets the penalty on `gamma`.
                gamma_regularizer: crate::Regularizer,
            }

            /// `gamma` and `beta` of this shape, as far as they are wanted.
            fn scales(&self, shape: &[usize]) -> Vec<crate::ParameterSpec> {
                let gamma = self.scale.then_some((self.gamma_initializer, self.gamma_regularizer));
                let beta = self.center.then_some((self.beta_initializer, self.beta_regularizer));
                super::affine_norm::parameters(shape, gamma, beta)
            }

            /// Refuses settings out of range, of those that all such layers have.
            fn check(&self) -> Result<(), crate::Problem> {
                super::affine_norm::check_epsilon(self.epsilon)?;
                self.scales(&[1]).iter().try_for_each(crate::ParameterSpec::check)
            }
        }
    };
}

pub(super) use normalizing_layer;
