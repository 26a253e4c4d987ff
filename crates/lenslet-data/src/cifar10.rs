//! CIFAR-10 (Krizhevsky 2009): 60,000 colour photographs of 32 x 32 pixels in ten classes.
//!
//! The data come as the official *binary* archive, `cifar-10-binary.tar.gz`: five training batches
//! and a test batch of 10,000 records each; a record is a label byte and the red, green and blue
//! planes of a picture. [`Cifar10`] finds a copy or downloads one; [`read`] reads one.

mod download;
mod read;
mod records;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{DataError, Split};

pub use download::{check, download};
pub use read::read;

/// Where the archive comes from: the address that Alex Krizhevsky's page gives.
pub const URL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";

/// The name of the archive in the cache folder.
pub const ARCHIVE: &str = "cifar-10-binary.tar.gz";

/// What the official archive is, byte for byte.
pub const OFFICIAL: Expected = Expected {
    bytes: 170_052_171,
    md5: Md5([
        0xc3, 0x2a, 0x1d, 0x4a, 0xb5, 0xd0, 0x3f, 0x12, 0x84, 0xb6, 0x78, 0x83, 0xe8, 0xd8, 0x75,
        0x30,
    ]),
};

/// What a download must turn out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub md5: Md5,
}

/// An MD5 digest (RFC 1321), shown as 32 lower-case hexadecimal digits. It guards against damage and
/// mix-ups, not against a forger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Md5(pub [u8; 16]);

impl Md5 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use md5::Digest;
        Self(md5::Md5::digest(bytes).into())
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Where to take the data from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The copy in the cache folder, or else the official archive, downloaded into it.
    #[default]
    Official,
    /// The same, downloaded from another address of the same file when it is not in the cache.
    Mirror(String),
    /// An archive, a folder `cifar-10-batches-bin`, or a folder that holds one of the two; used
    /// where it is, whatever its digest.
    Path(PathBuf),
}

impl From<&str> for Source {
    /// An `http://` or `https://` address is a mirror, anything else a path.
    fn from(text: &str) -> Self {
        if text.starts_with("http://") || text.starts_with("https://") {
            Self::Mirror(text.into())
        } else {
            Self::Path(text.into())
        }
    }
}

/// CIFAR-10, from wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cifar10 {
    /// Where to take the data from; default [`Source::Official`].
    pub source: Source,
    /// The folder in which downloads are kept; made when it is missing.
    pub cache: PathBuf,
    /// What a download, and a copy in the cache, must be; default [`OFFICIAL`]. `None` takes
    /// anything that reads as an archive.
    pub expected: Option<Expected>,
}

impl Cifar10 {
    /// The official archive, kept in `cache`.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { source: Source::Official, cache: cache.into(), expected: Some(OFFICIAL) }
    }

    /// Makes sure that the data are on this machine and says where: an archive or a folder.
    ///
    /// A copy in the cache is checked against [`Cifar10::expected`] and used; without one, the
    /// archive is downloaded as [`download`] describes. `progress` hears how many bytes of how many
    /// (0 when the server does not say) are there.
    ///
    /// # Errors
    /// When a path does not exist, a copy in the cache is not what is expected, or the download
    /// fails; then the message says what was tried and what else can be done.
    pub fn get(&self, progress: &dyn Fn(u64, u64)) -> Result<PathBuf, DataError> {
        let url = match &self.source {
            Source::Path(path) => return existing(path),
            Source::Mirror(url) => url,
            Source::Official => URL,
        };
        let target = self.cache.join(ARCHIVE);
        if target.is_file() {
            if let Some(expected) = &self.expected {
                check(&target, expected)?;
            }
            return Ok(target);
        }
        download(url, self.expected.as_ref(), &target, progress)?;
        Ok(target)
    }

    /// [`get`](Cifar10::get), then [`read`].
    ///
    /// # Errors
    /// Those of the two.
    pub fn load(&self, progress: &dyn Fn(u64, u64)) -> Result<Split, DataError> {
        read(&self.get(progress)?)
    }
}

fn existing(path: &Path) -> Result<PathBuf, DataError> {
    match path.metadata() {
        Ok(_) => Ok(path.into()),
        Err(source) => Err(DataError::io("cannot open", path, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_mirror_and_anything_else_a_path() {
        assert_eq!(Source::from("http://x/y"), Source::Mirror("http://x/y".into()));
        assert_eq!(Source::from("https://x/y"), Source::Mirror("https://x/y".into()));
        assert_eq!(Source::from("httpd/y"), Source::Path("httpd/y".into()));
    }

    #[test]
    fn a_digest_is_shown_as_md5sum_shows_it() {
        assert_eq!(OFFICIAL.md5.to_string(), "c32a1d4ab5d03f1284b67883e8d87530");
        assert_eq!(Md5::of(b"abc").to_string(), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn a_missing_path_is_named() {
        let source = Source::Path("no/such.tar.gz".into());
        let error = Cifar10 { source, ..Cifar10::new("cache") }.get(&|_, _| ()).unwrap_err();
        assert!(error.to_string().contains("no/such.tar.gz"), "{error}");
    }
}
