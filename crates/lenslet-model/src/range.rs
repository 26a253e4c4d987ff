//! Checks of settings that are numbers.

use crate::Problem;

fn refuse(setting: &str, value: f64, remedy: &str) -> Result<(), Problem> {
    Err(Problem::new(format!("{setting} = {value} is out of range"), remedy))
}

/// A finite number above 0.
pub(crate) fn positive(setting: &str, value: f64) -> Result<(), Problem> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    refuse(setting, value, "it must be a finite number above 0")
}

/// A finite number, 0 or above.
pub(crate) fn not_negative(setting: &str, value: f64) -> Result<(), Problem> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    refuse(setting, value, "it must be a finite number, at least 0")
}

/// A share that must not be the whole.
pub(crate) fn share(setting: &str, value: f64) -> Result<(), Problem> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    refuse(setting, value, "it must lie between 0 and 1, below 1")
}

/// A share that may be the whole.
pub(crate) fn portion(setting: &str, value: f64) -> Result<(), Problem> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    refuse(setting, value, "it must lie between 0 and 1")
}

/// A count of at least 1.
pub(crate) fn count(setting: &str, value: u64) -> Result<(), Problem> {
    if value > 0 {
        return Ok(());
    }
    Err(Problem::new(format!("{setting} = 0 is out of range"), "it must be at least 1"))
}
