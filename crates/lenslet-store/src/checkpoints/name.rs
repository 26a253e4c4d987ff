//! The name of a checkpoint's file.

use std::fmt;
use std::str::FromStr;

use lenslet_train::Checkpoint;

/// When it was made, and where the training stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) number: u64,
    pub(super) epoch: usize,
    pub(super) step: usize,
}

impl Name {
    /// Without a number.
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        let position = checkpoint.position;
        Self { number: 0, epoch: position.epoch, step: position.step }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, epoch, step } = self;
        write!(f, "{number:06}-epoch-{epoch}-step-{step}.safetensors")
    }
}

impl FromStr for Name {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parse = |text: &str| text.parse::<u64>().map_err(drop);
        let (number, place) = text.split_once("-epoch-").ok_or(())?;
        let (epoch, step) = place.split_once("-step-").ok_or(())?;
        let step = step.strip_suffix(".safetensors").ok_or(())?;
        let [number, epoch, step] = [parse(number)?, parse(epoch)?, parse(step)?];
        let name = Self { number, epoch: epoch as usize, step: step as usize };
        // A number that can be counted on from.
        if number < u64::MAX && name.to_string() == text { Ok(name) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_no_others() {
        let name = Name { number: 12, epoch: 3, step: 450 };
        assert_eq!(name.to_string(), "000012-epoch-3-step-450.safetensors");
        assert_eq!(name.to_string().parse(), Ok(name));
        for other in ["best.safetensors", "12-epoch-3-step-450.safetensors", ".7-1.tmp", "lock"] {
            assert_eq!(other.parse::<Name>(), Err(()), "{other}");
        }
    }
}
