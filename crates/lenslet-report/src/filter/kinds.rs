//! The filters and their numbers.

use std::fmt;
use std::str::FromStr;

/// The most rows or columns of a filter.
const LARGEST: usize = 99;

/// Names as they are written, each with what it does.
const NAMES: [(&str, &str); 8] = [
    ("sobel", "edges of any direction"),
    ("sobel-x", "upright edges"),
    ("sobel-y", "level edges"),
    ("laplacian", "edges and points"),
    ("box-blur", "the mean of a square; box-blur:SIZE, odd"),
    ("gaussian-blur", "a smooth blur; gaussian-blur:SIGMA, in pixels"),
    ("sharpen", "more contrast at edges"),
    ("emboss", "light from the upper left"),
];

/// A convolution filter for pictures.
///
/// As text (`FromStr`, `Display`): a name such as `sobel`, a name with its size such as
/// `box-blur:5` or `gaussian-blur:1.5`, or numbers, rows parted by `;`: `0 -1 0; -1 5 -1; 0 -1 0`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// The slope from left to right: upright edges.
    SobelX,
    /// The slope from top to bottom: level edges.
    SobelY,
    /// The length of both slopes together, `sqrt(x^2 + y^2)`.
    Sobel,
    /// The second derivative in all eight directions.
    Laplacian,
    /// The mean of a square.
    BoxBlur {
        /// Its side in pixels; odd, 1 to 99.
        size: usize,
    },
    /// Means weighted with a bell, cut off three standard deviations from its middle.
    GaussianBlur {
        /// Its standard deviation in pixels; above 0, at most 16.
        sigma: f64,
    },
    /// The picture plus its difference from its surroundings.
    Sharpen,
    /// Relief lit from the upper left, on top of the picture.
    Emboss,
    /// The user's own numbers.
    Custom {
        /// 1 to 99.
        rows: usize,
        /// 1 to 99.
        columns: usize,
        /// Row by row; finite.
        values: Vec<f64>,
    },
}

/// Why a filter cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// No filter is called that.
    #[error(
        "there is no filter {name:?}; choose one of {known}, or give numbers such as \"0 -1 0; -1 5 -1; 0 -1 0\""
    )]
    UnknownName {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The number after the colon does not fit.
    #[error("{filter} needs {expected}, not {found:?}")]
    Size {
        /// Which filter.
        filter: &'static str,
        /// What fits.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// This is not a number.
    #[error("{found:?} in row {row} of the filter is not a finite number")]
    Number {
        /// Counted from 1.
        row: usize,
        /// What came.
        found: String,
    },
    /// The rows have different lengths, or there are too many or no numbers.
    #[error(
        "a filter is 1 to {LARGEST} rows of 1 to {LARGEST} numbers, all rows equally long; this has {found}"
    )]
    Shape {
        /// What came.
        found: String,
    },
}

/// The numbers of one convolution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taps {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f64>,
}

impl Filter {
    /// The names of the built-in filters, each with what it does.
    pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
        NAMES.into_iter()
    }

    /// The mean of a square.
    ///
    /// # Errors
    /// Where `size` is even, 0 or above 99.
    pub fn box_blur(size: usize) -> Result<Self, FilterError> {
        if size.is_multiple_of(2) || size > LARGEST {
            let expected = "an odd size from 1 to 99";
            return Err(FilterError::Size {
                filter: "box-blur",
                expected,
                found: size.to_string(),
            });
        }
        Ok(Self::BoxBlur { size })
    }

    /// A bell of standard deviation `sigma`.
    ///
    /// # Errors
    /// Where `sigma` is not above 0 and at most 16.
    pub fn gaussian_blur(sigma: f64) -> Result<Self, FilterError> {
        if !(sigma > 0.0 && sigma <= 16.0) {
            let (filter, expected) = ("gaussian-blur", "a sigma above 0 and at most 16");
            return Err(FilterError::Size { filter, expected, found: sigma.to_string() });
        }
        Ok(Self::GaussianBlur { sigma })
    }

    /// The user's own numbers, row by row. They are laid over the picture as they stand, not
    /// turned round first: that is what networks call a convolution.
    ///
    /// # Errors
    /// Where there are not `rows * columns` numbers, or one is not finite.
    pub fn custom(rows: usize, columns: usize, values: Vec<f64>) -> Result<Self, FilterError> {
        let sizes = 1..=LARGEST;
        if !sizes.contains(&rows) || !sizes.contains(&columns) || values.len() != rows * columns {
            let found = format!("{} numbers for {rows} x {columns}", values.len());
            return Err(FilterError::Shape { found });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(FilterError::Number {
                row: at / columns + 1,
                found: values[at].to_string(),
            });
        }
        Ok(Self::Custom { rows, columns, values })
    }

    /// The convolutions that make up the filter: two for [`Filter::Sobel`], else one.
    pub(crate) fn taps(&self) -> Vec<Taps> {
        let three = |values: [f64; 9]| Taps { rows: 3, columns: 3, values: values.to_vec() };
        let sobel_x = || three([-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0]);
        let sobel_y = || three([-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0]);
        match self {
            Self::SobelX => vec![sobel_x()],
            Self::SobelY => vec![sobel_y()],
            Self::Sobel => vec![sobel_x(), sobel_y()],
            Self::Laplacian => vec![three([-1.0, -1.0, -1.0, -1.0, 8.0, -1.0, -1.0, -1.0, -1.0])],
            Self::Sharpen => vec![three([0.0, -1.0, 0.0, -1.0, 5.0, -1.0, 0.0, -1.0, 0.0])],
            Self::Emboss => vec![three([2.0, 1.0, 0.0, 1.0, 1.0, -1.0, 0.0, -1.0, -2.0])],
            Self::BoxBlur { .. } | Self::GaussianBlur { .. } => {
                let line = self.line().unwrap_or_default();
                let values = line.iter().flat_map(|a| line.iter().map(move |b| a * b)).collect();
                vec![Taps { rows: line.len(), columns: line.len(), values }]
            }
            Self::Custom { rows, columns, values } => {
                vec![Taps { rows: *rows, columns: *columns, values: values.clone() }]
            }
        }
    }

    /// The line of numbers whose product with itself, turned upright, is the whole filter: two
    /// passes with it cost far less.
    pub(crate) fn line(&self) -> Option<Vec<f64>> {
        match *self {
            Self::BoxBlur { size } => Some(vec![1.0 / size as f64; size]),
            Self::GaussianBlur { sigma } => Some(bell(sigma)),
            _ => None,
        }
    }

    /// Whether what counts is how far a result is from zero, and not on which side.
    pub(crate) fn is_edge(&self) -> bool {
        matches!(self, Self::SobelX | Self::SobelY | Self::Sobel | Self::Laplacian)
    }
}

/// A bell that sums to 1.
fn bell(sigma: f64) -> Vec<f64> {
    let reach = ((3.0 * sigma).ceil() as usize).max(1);
    let distance = |i: usize| i as f64 - reach as f64;
    let height = |i: usize| (-distance(i).powi(2) / (2.0 * sigma * sigma)).exp();
    let line: Vec<_> = (0..=2 * reach).map(height).collect();
    let total: f64 = line.iter().sum();
    line.iter().map(|height| height / total).collect()
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let text = text.trim();
        if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) || text.contains(';')
        {
            return numbers(text);
        }
        let (name, size) = match text.split_once(':') {
            Some((name, size)) => (name, Some(size.trim())),
            None => (text, None),
        };
        let size_error = |filter, expected, found: &str| FilterError::Size {
            filter,
            expected,
            found: found.to_owned(),
        };
        match (name.trim(), size) {
            ("sobel", None) => Ok(Self::Sobel),
            ("sobel-x", None) => Ok(Self::SobelX),
            ("sobel-y", None) => Ok(Self::SobelY),
            ("laplacian", None) => Ok(Self::Laplacian),
            ("sharpen", None) => Ok(Self::Sharpen),
            ("emboss", None) => Ok(Self::Emboss),
            ("box-blur", size) => {
                let size = size.unwrap_or("5");
                let expected = "an odd size from 1 to 99";
                Self::box_blur(size.parse().map_err(|_| size_error("box-blur", expected, size))?)
            }
            ("gaussian-blur", size) => {
                let size = size.unwrap_or("2");
                let expected = "a sigma above 0 and at most 16";
                let sigma =
                    size.parse().map_err(|_| size_error("gaussian-blur", expected, size))?;
                Self::gaussian_blur(sigma)
            }
            _ => {
                let known = NAMES.map(|(name, _)| name).join(", ");
                Err(FilterError::UnknownName { name: text.to_owned(), known })
            }
        }
    }
}

/// Rows parted by `;`, numbers by blanks or commas.
fn numbers(text: &str) -> Result<Filter, FilterError> {
    let mut values = Vec::new();
    let mut lengths = Vec::new();
    for (row, line) in text.trim_end_matches([';', ' ']).split(';').enumerate() {
        let before = values.len();
        for word in line.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
            let number = word.parse().ok().filter(|number: &f64| number.is_finite());
            let error = || FilterError::Number { row: row + 1, found: word.to_owned() };
            values.push(number.ok_or_else(error)?);
        }
        lengths.push(values.len() - before);
    }
    if lengths.iter().any(|&length| length != lengths[0]) {
        return Err(FilterError::Shape { found: format!("rows of {lengths:?} numbers") });
    }
    Filter::custom(lengths.len(), lengths[0], values)
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SobelX => write!(f, "sobel-x"),
            Self::SobelY => write!(f, "sobel-y"),
            Self::Sobel => write!(f, "sobel"),
            Self::Laplacian => write!(f, "laplacian"),
            Self::BoxBlur { size } => write!(f, "box-blur:{size}"),
            Self::GaussianBlur { sigma } => write!(f, "gaussian-blur:{sigma}"),
            Self::Sharpen => write!(f, "sharpen"),
            Self::Emboss => write!(f, "emboss"),
            Self::Custom { columns, values, .. } => {
                for (row, line) in values.chunks(*columns).enumerate() {
                    let line: Vec<_> = line.iter().map(f64::to_string).collect();
                    write!(f, "{}{}", if row == 0 { "" } else { "; " }, line.join(" "))?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_written() {
        for (name, _) in Filter::names() {
            let filter: Filter = name.parse().unwrap();
            assert!(filter.to_string().starts_with(name));
            assert_eq!(filter.to_string().parse(), Ok(filter));
        }
    }

    #[test]
    fn numbers_are_read_row_by_row() {
        let filter: Filter = "1, 0 -1; 2 0 -2.5;".parse().unwrap();
        assert_eq!(filter, Filter::custom(2, 3, vec![1., 0., -1., 2., 0., -2.5]).unwrap());
        assert_eq!(filter.to_string(), "1 0 -1; 2 0 -2.5");
        assert_eq!("1".parse(), Filter::custom(1, 1, vec![1.0]));
    }

    #[test]
    fn what_is_no_filter_says_why() {
        for (text, part) in [
            ("", "no filter \"\""),
            ("sobol", "choose one of sobel, sobel-x"),
            ("sobel:3", "no filter \"sobel:3\""),
            ("box-blur:4", "an odd size"),
            ("box-blur:x", "an odd size"),
            ("gaussian-blur:0", "a sigma above 0"),
            ("gaussian-blur:NaN", "a sigma above 0"),
            ("1 2; 3", "rows of [2, 1] numbers"),
            ("1 x; 3 4", "\"x\" in row 1"),
            ("1 2; inf 4", "\"inf\" in row 2"),
            (";", "0 numbers for 1 x 0"),
        ] {
            let error = text.parse::<Filter>().unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
        assert!(Filter::custom(1, 2, vec![1.0, f64::NAN]).is_err());
        assert!(Filter::custom(0, 2, vec![]).is_err());
        assert!(Filter::custom(usize::MAX, 2, vec![]).is_err());
    }

    #[test]
    fn blurs_keep_the_brightness() {
        for filter in ["box-blur:7", "gaussian-blur:0.3", "gaussian-blur:3", "sharpen", "emboss"] {
            let taps = filter.parse::<Filter>().unwrap().taps();
            let sum: f64 = taps[0].values.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{filter}: {sum}");
        }
    }
}
