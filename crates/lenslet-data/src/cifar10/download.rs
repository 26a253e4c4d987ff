//! Downloads one file, whole and checked, or not at all.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::Digest;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::{Expected, Md5};
use crate::DataError;

/// The largest download when its size is not known beforehand.
const LIMIT: u64 = 1 << 30;
/// How many connections in a row may bring nothing.
const PATIENCE: u32 = 3;
/// How long to wait for a connection, and for the first word of an answer.
const ANSWER: Duration = Duration::from_secs(30);
/// How long one connection may go on; a stalled one ends here and the next resumes.
const CONNECTION: Duration = Duration::from_secs(15 * 60);

/// Downloads `url` to `target`, which appears only when it is complete, is what is `expected` and
/// is safely on disk.
///
/// Until then the bytes are in a sibling, `target` with `.part` behind its name. It stays when the
/// download breaks off, and the next one goes on from there if the server can (`Range`), or else
/// from the start. What turns out to be wrong is deleted. A sibling `.lock` makes other processes
/// wait that want the same file; they then use it. `progress` hears how many bytes of how many (0
/// when the server does not say) are there.
///
/// # Errors
/// When the folder cannot be written, the server cannot be reached or refuses, the connection
/// keeps breaking, or the file is not what is expected.
pub fn download(
    url: &str,
    expected: Option<&Expected>,
    target: &Path,
    progress: &dyn Fn(u64, u64),
) -> Result<(), DataError> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(|e| DataError::io("cannot make", folder, e))?;
    }
    let _lock = lock(&sibling(target, ".lock"))?;
    if target.is_file() {
        return expected.map_or(Ok(()), |expected| check(target, expected));
    }
    Download { url, expected, target, part: sibling(target, ".part"), progress }.run()
}

/// Whether a file has the expected size and digest.
///
/// # Errors
/// When it cannot be read or has not; the message names both sizes or digests.
pub fn check(path: &Path, expected: &Expected) -> Result<(), DataError> {
    let trouble = |e| DataError::io("cannot read", path, e);
    let mut file = File::open(path).map_err(trouble)?;
    let bytes = file.metadata().map_err(trouble)?.len();
    if bytes != expected.bytes {
        return Err(mismatch(
            path,
            "size",
            format!("{bytes} bytes"),
            format!("{} bytes", expected.bytes),
        ));
    }
    let mut digest = md5::Md5::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(trouble)? {
            0 => break,
            count => digest.update(&buffer[..count]),
        }
    }
    let actual = Md5(digest.finalize().into());
    if actual != expected.md5 {
        return Err(mismatch(path, "MD5 digest", actual.to_string(), expected.md5.to_string()));
    }
    Ok(())
}

fn mismatch(path: &Path, what: &'static str, actual: String, expected: String) -> DataError {
    DataError::Mismatch { path: path.into(), what, actual, expected }
}

/// `path` with `ending` behind its name.
fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Holds other processes off for as long as the result lives.
fn lock(path: &Path) -> Result<File, DataError> {
    let trouble = |e| DataError::io("cannot write", path, e);
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(trouble)?;
    match file.lock() {
        // Some network file systems have no locks; one process at a time still works there.
        Err(source) if source.kind() != io::ErrorKind::Unsupported => Err(trouble(source)),
        _ => Ok(file),
    }
}

struct Download<'a> {
    url: &'a str,
    expected: Option<&'a Expected>,
    target: &'a Path,
    part: PathBuf,
    progress: &'a dyn Fn(u64, u64),
}

/// How one connection ended.
enum Outcome {
    Complete,
    /// The connection broke; what came so far is in the part.
    Broken(String),
}

impl Download<'_> {
    fn run(&self) -> Result<(), DataError> {
        let resumed = self.part.metadata().is_ok_and(|part| part.len() > 0);
        match self.fetch() {
            // The bytes from last time may have been of another file: once more from the start.
            Err(DataError::Mismatch { .. }) if resumed => self.fetch()?,
            other => other?,
        }
        fs::rename(&self.part, self.target).map_err(|e| self.io("cannot rename", e))?;
        // Makes the new name durable; not every system can sync a folder, and none needs to.
        if let Some(folder) = self.target.parent() {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }

    /// Fills the part and checks it; one that is wrong is deleted.
    fn fetch(&self) -> Result<(), DataError> {
        let mut part = self.open()?;
        let mut fruitless = 0;
        loop {
            let before = self.length(&part)?;
            match self.connect(&mut part)? {
                Outcome::Complete => break,
                Outcome::Broken(reason) => {
                    let gained = self.length(&part)? > before;
                    fruitless = if gained { 0 } else { fruitless + 1 };
                    if fruitless >= PATIENCE {
                        return Err(self.failed(reason));
                    }
                }
            }
        }
        part.sync_all().map_err(|e| self.io("cannot write", e))?;
        drop(part);
        let checked = self.expected.map_or(Ok(()), |expected| check(&self.part, expected));
        if checked.is_err() {
            let _ = fs::remove_file(&self.part);
        }
        checked
    }

    fn open(&self) -> Result<File, DataError> {
        let options = OpenOptions::new().create(true).append(true).clone();
        options.open(&self.part).map_err(|e| self.io("cannot write", e))
    }

    fn length(&self, part: &File) -> Result<u64, DataError> {
        part.metadata().map(|part| part.len()).map_err(|e| self.io("cannot read", e))
    }

    /// One request and all that comes back from it.
    fn connect(&self, part: &mut File) -> Result<Outcome, DataError> {
        let mut have = self.length(part)?;
        if self.expected.is_some_and(|expected| have == expected.bytes) {
            return Ok(Outcome::Complete);
        }
        let mut response = match self.ask(have) {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::Broken(error.to_string())),
        };
        if response.status().as_u16() == 416 {
            // There is nothing behind what we have: it is of another file.
            self.truncate(part)?;
            return Ok(Outcome::Broken("the server has no such range of bytes".into()));
        }
        if !response.status().is_success() {
            return Err(self.failed(format!("the server answers {}", response.status())));
        }
        if starts_at(&response) != have {
            self.truncate(part)?;
            have = 0;
            if starts_at(&response) != 0 {
                return Ok(Outcome::Broken("the server sends another range of bytes".into()));
            }
        }
        self.receive(&mut response, part, have)
    }

    fn ask(&self, have: u64) -> Result<Response<Body>, ureq::Error> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(ANSWER))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(CONNECTION))
            .user_agent(concat!("lenslet/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let request = agent.get(self.url);
        if have > 0 {
            request.header("Range", format!("bytes={have}-")).call()
        } else {
            request.call()
        }
    }

    fn receive(
        &self,
        response: &mut Response<Body>,
        part: &mut File,
        mut have: u64,
    ) -> Result<Outcome, DataError> {
        let announced = response.body().content_length().map(|rest| have + rest);
        let total = self.expected.map(|expected| expected.bytes).or(announced);
        let limit = total.unwrap_or(LIMIT).min(self.expected.map_or(LIMIT, |e| e.bytes));
        let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; 1 << 16];
        let broken = |have: u64, why: &dyn fmt::Display| {
            let total = total.map_or("an unknown number of".into(), |total| total.to_string());
            let what = format!("the connection broke after {have} of {total} bytes ({why})");
            Ok(Outcome::Broken(what))
        };
        loop {
            (self.progress)(have, total.unwrap_or(0));
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return broken(have, &error),
            };
            have += count as u64;
            if have > limit {
                self.truncate(part)?;
                return Err(self.failed(format!("the server sends more than {limit} bytes")));
            }
            part.write_all(&buffer[..count]).map_err(|e| self.io("cannot write", e))?;
        }
        match announced {
            Some(announced) if have < announced => broken(have, &"closed early"),
            _ => Ok(Outcome::Complete),
        }
    }

    fn truncate(&self, part: &mut File) -> Result<(), DataError> {
        let cut = part.set_len(0).and_then(|()| part.seek(SeekFrom::Start(0)));
        cut.map(|_| ()).map_err(|e| self.io("cannot write", e))
    }

    fn io(&self, action: &'static str, source: io::Error) -> DataError {
        DataError::io(action, &self.part, source)
    }

    fn failed(&self, reason: String) -> DataError {
        DataError::Download { url: self.url.into(), reason, target: self.target.into() }
    }
}

/// The position in the file of the first byte of an answer: 0 without a `Content-Range`.
fn starts_at(response: &Response<Body>) -> u64 {
    if response.status().as_u16() != 206 {
        return 0;
    }
    let range = response.headers().get("content-range").and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes "));
    start.and_then(|range| range.split('-').next()?.parse().ok()).unwrap_or(0)
}
