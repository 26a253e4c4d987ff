//! Axes that a layer works along.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Problem, Shape};

/// Axes, numbered as in Keras: 0 is the batch, 1 the first of a sample, -1 the last.
///
/// A file has one number, or a list of them. Lenslet keeps channels in the last axis, so most
/// layers take the last axes alone.
///
/// ```
/// use lenslet_model::layers::{Axes, LayerNormalization};
/// assert_eq!(LayerNormalization::new().axis, Axes::from(-1));
/// LayerNormalization::new().axis([1, 2, 3]); // over the whole picture
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Axes(Vec<i64>);

/// How a file writes them.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the number of an axis, or a list of such")]
enum Form {
    None(()),
    One(i64),
    Many(Vec<i64>),
}

impl From<Form> for Axes {
    fn from(form: Form) -> Self {
        match form {
            Form::None(()) => Self(Vec::new()),
            Form::One(axis) => Self(vec![axis]),
            Form::Many(axes) => Self(axes),
        }
    }
}

impl From<Axes> for Form {
    fn from(Axes(axes): Axes) -> Self {
        match axes[..] {
            [axis] => Self::One(axis),
            _ => Self::Many(axes),
        }
    }
}

impl Default for Axes {
    /// The last one.
    fn default() -> Self {
        Self(vec![-1])
    }
}

impl From<i64> for Axes {
    fn from(axis: i64) -> Self {
        Self(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for Axes {
    fn from(axes: [i64; N]) -> Self {
        Self(axes.to_vec())
    }
}

impl Axes {
    /// Whether it is the last one alone, as by default.
    pub fn is_last(&self) -> bool {
        self.0 == [-1]
    }

    /// Which of a sample's dimensions they are, counted from 0.
    pub(crate) fn of(&self, input: &Shape) -> Result<Vec<usize>, Problem> {
        let rank = input.dims().len();
        let one = |&axis: &i64| {
            let from_front = if axis < 0 { axis.checked_add(rank as i64 + 1) } else { Some(axis) };
            let sample = from_front.and_then(|axis| usize::try_from(axis - 1).ok());
            sample.filter(|&axis| axis < rank).ok_or_else(|| {
                Problem::new(
                    format!("axis = {axis}, but its input {input} has axes 1 to {rank}"),
                    "axis 0 is the batch; -1 is the last axis",
                )
            })
        };
        let mut axes = self.0.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    /// How many of a sample's last dimensions they are.
    pub(crate) fn trailing(&self, input: &Shape) -> Result<usize, Problem> {
        let (axes, rank) = (self.of(input)?, input.dims().len());
        if axes.iter().copied().eq(rank - axes.len()..rank) {
            return Ok(axes.len());
        }
        Err(Problem::new(
            format!("axis = {self} is not at the end of its input {input}"),
            "only the last axes will do: channels lie there, as in Keras's channels_last",
        ))
    }
}

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0[..] {
            [axis] => write!(f, "{axis}"),
            _ => write!(f, "{:?}", self.0),
        }
    }
}
