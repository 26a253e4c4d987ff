//! What makes a step fast and rounds differently, each with its switch.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to be faster than the definition. Each gives the same numbers but for rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shortcut {
    /// Winograd's F(4x4, 3x3) in place of the direct sum, where a convolution's shape lets it pay
    /// (Lavin and Gray 2016): for the output, the gradient of the input and that of the filters.
    Winograd,
    /// Several layers in one go: zeros around a picture, a convolution, its activation and
    /// max-pooling, and on the way back the dropout behind these; the gradient of a dense layer's
    /// kernel and the optimiser's step; and in prediction a batch normalisation as part of the
    /// convolution in front of it.
    Fusion,
    /// Multiplications by zero are left out: in convolutions' gradients, in Winograd's products where a
    /// channel is zero in several neighbouring tiles (which changes no bit), in dense layers, and in
    /// the gradients of dense layers that learn in one go (see [`Shortcut::Fusion`]).
    Skipping,
}

impl Shortcut {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Winograd, Self::Fusion, Self::Skipping];

    /// The name that files and the program know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Winograd => "winograd",
            Self::Fusion => "fusion",
            Self::Skipping => "skipping",
        }
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which [`Shortcut`]s may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcuts {
    /// Whether [`Shortcut::Winograd`] may.
    pub winograd: bool,
    /// Whether [`Shortcut::Fusion`] may.
    pub fusion: bool,
    /// Whether [`Shortcut::Skipping`] may.
    pub skipping: bool,
}

impl Shortcuts {
    /// Every one.
    pub const ALL: Self = Self { winograd: true, fusion: true, skipping: true };
    /// Not one: every multiplication of the definition, one layer after the other.
    pub const NONE: Self = Self { winograd: false, fusion: false, skipping: false };

    /// All but these.
    ///
    /// ```
    /// use lenslet_engine::{Shortcut, Shortcuts};
    ///
    /// let direct = Shortcuts::without(&[Shortcut::Winograd]);
    /// assert!(!direct.winograd && direct.fusion && direct.skipping);
    /// assert_eq!(Shortcuts::without(&Shortcut::ALL), Shortcuts::NONE);
    /// ```
    pub fn without(these: &[Shortcut]) -> Self {
        let may = |shortcut| !these.contains(&shortcut);
        Self {
            winograd: may(Shortcut::Winograd),
            fusion: may(Shortcut::Fusion),
            skipping: may(Shortcut::Skipping),
        }
    }

    /// Those that may not be taken.
    pub fn missing(self) -> impl Iterator<Item = Shortcut> {
        let Self { winograd, fusion, skipping } = self;
        Shortcut::ALL
            .into_iter()
            .zip([winograd, fusion, skipping])
            .filter(|(_, may)| !may)
            .map(|(shortcut, _)| shortcut)
    }
}

impl Default for Shortcuts {
    /// [`Shortcuts::ALL`].
    fn default() -> Self {
        Self::ALL
    }
}
