//! Numbers among the arguments, and what is said where they are none.

/// A count that cannot be 0.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("it must be a whole number, at least 1".to_owned()),
    }
}

/// A whole number: a seed, a count that may be 0.
pub(crate) fn natural(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("it must be a whole number from 0 to {}", u64::MAX))
}

/// A number of epochs, which may be 0.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "it must be a whole number, at least 0".to_owned())
}

/// A number. Whether it is in the range of what it is for is checked there.
pub(crate) fn real(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "it must be a number, such as 0.001 or 1e-3".to_owned())
}
