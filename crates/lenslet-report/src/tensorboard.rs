//! Event files that TensorBoard opens.

mod message;
mod observer;
mod record;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

use prost::Message;

pub use observer::TensorBoard;

use message::{Event, HParamsData, Image, SessionStart, Summary, TensorProto, What};
use record::framed;

/// One event file: scalars, pictures and settings, each at a step, as TensorBoard reads them.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let mut events = lenslet_report::EventFile::create(folder.path())?;
/// events.scalar("epoch_loss", 0, 2.3)?;
/// events.scalar("epoch_loss", 1, 1.9)?;
/// events.flush()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EventFile {
    file: BufWriter<File>,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A number.
    Number(f64),
    /// Words.
    Text(String),
    /// Yes or no.
    Switch(bool),
}

/// Seconds since 1970: events are shown by it, no result depends on it.
fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

impl EventFile {
    /// A new file in `folder`, which is made where there is none.
    ///
    /// # Errors
    /// Where the folder or the file cannot be made or written to.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // TensorBoard looks for this name; files of one second are told apart by a number.
        let second = now() as u64;
        for number in 0.. {
            let name = format!("events.out.tfevents.{second:010}.lenslet.{number}");
            match File::create_new(folder.join(name)) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                file => {
                    let mut events = Self { file: BufWriter::new(file?) };
                    events.write(0, What::FileVersion("brain.Event:2".to_owned()))?;
                    events.flush()?;
                    return Ok(events);
                }
            }
        }
        unreachable!("no folder holds so many files")
    }

    /// A number.
    ///
    /// # Errors
    /// Where the file cannot be written to.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> io::Result<()> {
        self.write(step, What::Summary(Summary::scalar(tag, value as f32)))
    }

    /// A picture: the bytes of a PNG file and its size in pixels.
    ///
    /// # Errors
    /// Where the file cannot be written to.
    pub fn image(
        &mut self,
        tag: &str,
        step: u64,
        [width, height]: [u32; 2],
        png: Vec<u8>,
    ) -> io::Result<()> {
        let [width, height] = [width, height].map(|pixels| pixels as i32);
        let image = Image { height, width, colorspace: 3, encoded: png };
        self.write(step, What::Summary(Summary::image(tag, image)))
    }

    /// The settings of a run, for TensorBoard's table of hyperparameters.
    ///
    /// # Errors
    /// Where the file cannot be written to.
    pub fn hparams<'a>(
        &mut self,
        name: &str,
        settings: impl IntoIterator<Item = (&'a str, Setting)>,
    ) -> io::Result<()> {
        let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value.into()));
        let start = SessionStart {
            settings: settings.collect(),
            group: name.to_owned(),
            start_seconds: now(),
        };
        let data = HParamsData::start(start);
        self.write(0, What::Summary(Summary::hparams(&data, TensorProto::zero())))
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// Where the file cannot be written to.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn write(&mut self, step: u64, what: What) -> io::Result<()> {
        let event = Event { wall_time: now(), step: step as i64, what: Some(what) };
        self.file.write_all(&framed(&event.encode_to_vec()))
    }
}
