//! What optimisers share that scale each number by a mean of its squared gradients.

/// An optimiser with Adam's four settings, and its two moments.
macro_rules! adaptive {
    ($(#[$doc:meta])* $name:ident, $keras:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Step size; 0.001.
            pub learning_rate: f64,
            /// Decay of the mean of the gradients; 0.9.
            pub beta_1: f64,
            /// Decay of the mean of their squares; 0.999.
            pub beta_2: f64,
            /// Added to the root of the second; 1e-7.
            pub epsilon: f64,
        }

        impl Default for $name {
            fn default() -> Self {
                Self { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
            }
        }

        impl $name {
            /// With this learning rate.
            pub fn new(learning_rate: f64) -> Self {
                Self { learning_rate, ..Self::default() }
            }
        }

        impl super::Describe for $name {
            fn name(&self) -> &'static str {
                $keras
            }

            fn learning_rate(&mut self) -> &mut f64 {
                &mut self.learning_rate
            }

            fn moments(&self) -> Vec<super::Moment> {
                vec![super::Moment::new("momentum"), super::Moment::new("velocity")]
            }

            fn check(&self) -> Result<(), crate::Problem> {
                crate::range::share("beta_1", self.beta_1)?;
                crate::range::share("beta_2", self.beta_2)?;
                crate::range::positive("epsilon", self.epsilon)
            }
        }
    };
}

pub(super) use adaptive;
