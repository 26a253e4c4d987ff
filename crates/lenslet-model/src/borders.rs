//! How much is added to or taken from the four sides of a picture.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Problem;

/// The most rows or columns on one side.
const MOST: usize = 1 << 12;

/// Rows at the top and bottom, columns at the left and right. One number stands for all four,
/// two for `(top and bottom, left and right)`; in files `[[top, bottom], [left, right]]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Borders {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns on the left.
    pub left: usize,
    /// Columns on the right.
    pub right: usize,
}

impl Borders {
    /// Rows above and below together, columns left and right together.
    pub fn total(self) -> [usize; 2] {
        [self.top + self.bottom, self.left + self.right]
    }

    pub(crate) fn check(self, setting: &str) -> Result<(), Problem> {
        if [self.top, self.bottom, self.left, self.right].into_iter().all(|n| n <= MOST) {
            return Ok(());
        }
        Err(Problem::new(
            format!("{setting} = {self} is out of range"),
            format!("each number may be at most {MOST}"),
        ))
    }
}

impl fmt::Display for Borders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { top, bottom, left, right } = self;
        write!(f, "(({top}, {bottom}), ({left}, {right}))")
    }
}

impl From<usize> for Borders {
    fn from(all: usize) -> Self {
        (all, all).into()
    }
}

impl From<(usize, usize)> for Borders {
    fn from((rows, columns): (usize, usize)) -> Self {
        ((rows, rows), (columns, columns)).into()
    }
}

impl From<((usize, usize), (usize, usize))> for Borders {
    fn from(((top, bottom), (left, right)): ((usize, usize), (usize, usize))) -> Self {
        Self { top, bottom, left, right }
    }
}

impl Serialize for Borders {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [[self.top, self.bottom], [self.left, self.right]].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Borders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected a whole number, two of them: [rows, columns], or two pairs: \
                         [[top, bottom], [left, right]]"
        )]
        enum Form {
            All(usize),
            Both([usize; 2]),
            Each([[usize; 2]; 2]),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::All(n) => n.into(),
            Form::Both([rows, columns]) => (rows, columns).into(),
            Form::Each([[top, bottom], [left, right]]) => Self { top, bottom, left, right },
        })
    }
}
