//! A number for the height and one for the width.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Problem;

/// The largest window, stride or dilation.
const MOST: usize = 1 << 12;

/// `(height, width)`. One number stands for both: `3` is `(3, 3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub usize, pub usize);

impl Pair {
    pub(crate) fn check(self, setting: &str) -> Result<(), Problem> {
        if (1..=MOST).contains(&self.0) && (1..=MOST).contains(&self.1) {
            return Ok(());
        }
        Err(Problem::new(
            format!("{setting} = {self} is out of range"),
            format!("both numbers must lie between 1 and {MOST}"),
        ))
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.0, self.1)
    }
}

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Self(both, both)
    }
}

impl From<(usize, usize)> for Pair {
    fn from((height, width): (usize, usize)) -> Self {
        Self(height, width)
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.0, self.1].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a whole number, or two of them: [height, width]")]
        enum Either {
            Both(usize),
            Each([usize; 2]),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Both(n) => Self(n, n),
            Either::Each([h, w]) => Self(h, w),
        })
    }
}
