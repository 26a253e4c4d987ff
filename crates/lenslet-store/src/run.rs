//! Run folders.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::read::{MOST_TEXT, read_text};
use crate::{
    Checkpoints, HistoryRow, RunConfig, RunFile, RunLock, RunResult, SavedModel, StoreError,
    TrainedModel, WeightsFile, atomic, read_history, read_weights, write_history, write_weights,
};

/// The folder in which a training leaves what it made.
///
/// ```
/// use lenslet_store::{Run, RunFile};
/// let runs = tempfile::tempdir()?;
/// let first = Run::create(runs.path(), "synthetic-cnn")?;
/// let second = Run::create(runs.path(), "synthetic-cnn")?;
/// assert!(second.folder().ends_with("synthetic-cnn-2"));
/// second.write(RunFile::ClassificationReport, b"...")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    folder: PathBuf,
}

impl Run {
    /// Makes a new folder `name` in `parent`, or `name-2`, `name-3`, ... where there is one
    /// already; makes `parent` too. [`run_name`] makes names.
    ///
    /// # Errors
    /// Where `name` is no plain name of a folder, or the folder cannot be made or written to.
    pub fn create(parent: &Path, name: &str) -> Result<Self, StoreError> {
        check_name(name)?;
        make_folders(parent)?;
        for number in 1u64.. {
            let folder = match number {
                1 => parent.join(name),
                _ => parent.join(format!("{name}-{number}")),
            };
            // Two programs that ask at once get two folders: only one can make each.
            match fs::create_dir(&folder) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(StoreError::io("make the folder", &folder, e)),
                Ok(()) => return Self::in_writable(folder),
            }
        }
        unreachable!("no disk holds so many folders")
    }

    /// Makes `folder`, and those above it; one that exists is used where it is empty.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] where it holds anything; else where it cannot be made or written
    /// to.
    pub fn create_at(folder: &Path) -> Result<Self, StoreError> {
        match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Err(StoreError::Occupied { path: folder.to_owned() }),
            Ok(false) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => make_folders(folder)?,
            Err(e) => return Err(StoreError::io("use the folder", folder, e)),
        }
        Self::in_writable(folder.to_owned())
    }

    /// The run in a folder that exists.
    ///
    /// # Errors
    /// [`StoreError::NotARun`] where there is no such folder, or where it lacks `config.toml`,
    /// `model.json` or `weights.safetensors`.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let run = Self { folder: folder.to_owned() };
        let refuse = |what| Err(StoreError::NotARun { path: folder.to_owned(), what });
        if !folder.exists() {
            return refuse("there is no such folder".to_owned());
        }
        if !folder.is_dir() {
            return refuse("it is a file, not a folder".to_owned());
        }
        let needed = [RunFile::Config, RunFile::Model, RunFile::Weights];
        let missing = needed.into_iter().filter(|&file| !run.path(file).is_file());
        let missing: Vec<_> = missing.map(RunFile::name).collect();
        if !missing.is_empty() {
            return refuse(format!("it has no {}", missing.join(", no ")));
        }
        Ok(run)
    }

    /// The run in a folder in which a training was begun, however far it came.
    ///
    /// # Errors
    /// [`StoreError::NotARun`] where there is no such folder, or where it lacks `config.toml`.
    pub fn begun(folder: &Path) -> Result<Self, StoreError> {
        let run = Self { folder: folder.to_owned() };
        let what = match (folder.is_dir(), run.path(RunFile::Config).is_file()) {
            (true, true) => return Ok(run),
            (true, false) => "it has no config.toml",
            (false, _) => "there is no such folder",
        };
        Err(StoreError::NotARun { path: folder.to_owned(), what: what.to_owned() })
    }

    /// Makes the folder once more, where somebody has removed it.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn make_again(&self) -> Result<(), StoreError> {
        make_folders(&self.folder)
    }

    /// Keeps other programs from training here.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where one does already; where the folder may not be written to.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        RunLock::new(&self.folder, &self.checkpoints_folder())
    }

    /// The checkpoints that a training with this configuration goes on from.
    pub fn checkpoints(&self, config: &RunConfig) -> Checkpoints {
        Checkpoints::new(self.checkpoints_folder(), config.digest())
    }

    fn checkpoints_folder(&self) -> PathBuf {
        self.folder.join("resume")
    }

    /// How the run has ended; `None` where it has not, or what is written of it is damaged.
    pub fn result(&self) -> Option<RunResult> {
        let text = read_text(&self.path(RunFile::Result), MOST_TEXT).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where `file` is, or would be.
    pub fn path(&self, file: RunFile) -> PathBuf {
        self.folder.join(file.name())
    }

    /// Writes one of the files, whole or not at all.
    ///
    /// # Errors
    /// As [`write`](crate::write()).
    pub fn write(&self, file: RunFile, bytes: &[u8]) -> Result<(), StoreError> {
        atomic::write(&self.path(file), bytes)
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    /// As [`RunConfig::write`].
    pub fn write_config(&self, config: &RunConfig) -> Result<(), StoreError> {
        config.write(&self.path(RunFile::Config))
    }

    /// Reads `config.toml`.
    ///
    /// # Errors
    /// As [`RunConfig::read`].
    pub fn load_config(&self) -> Result<RunConfig, StoreError> {
        RunConfig::read(&self.path(RunFile::Config))
    }

    /// Writes `model.json` and `weights.safetensors`. `parameters` is the network's flat buffer.
    ///
    /// # Errors
    /// As [`write_weights`].
    pub fn write_model(&self, saved: &SavedModel, parameters: &[f32]) -> Result<(), StoreError> {
        let path = self.path(RunFile::Model);
        saved.check().map_err(|e| e.at(&path))?;
        atomic::write(&path, (saved.to_json() + "\n").as_bytes())?;
        write_weights(&self.path(RunFile::Weights), saved, parameters)
    }

    /// Reads `weights.safetensors`, which holds the description too, so that description and
    /// weights are always of one model.
    ///
    /// # Errors
    /// As [`read_weights`].
    pub fn load_model(&self) -> Result<TrainedModel, StoreError> {
        read_weights(&self.path(RunFile::Weights))
    }

    /// [`Self::load_model`] but for the parameters, which are yet to be read.
    ///
    /// # Errors
    /// As [`WeightsFile::open`].
    pub fn open_model(&self) -> Result<WeightsFile, StoreError> {
        WeightsFile::open(&self.path(RunFile::Weights))
    }

    /// Writes `history.csv`.
    ///
    /// # Errors
    /// As [`write_history`].
    pub fn write_history(&self, rows: &[HistoryRow]) -> Result<(), StoreError> {
        write_history(&self.path(RunFile::History), rows)
    }

    /// Reads `history.csv`.
    ///
    /// # Errors
    /// As [`read_history`].
    pub fn load_history(&self) -> Result<Vec<HistoryRow>, StoreError> {
        read_history(&self.path(RunFile::History))
    }

    /// Tries to write before hours of training, not after them.
    fn in_writable(folder: PathBuf) -> Result<Self, StoreError> {
        match atomic::check_writable(&folder) {
            Ok(()) => Ok(Self { folder }),
            Err(e) => Err(StoreError::io("write to the folder", &folder, e)),
        }
    }
}

/// The name of a run of `model` on `data`, such as `synthetic-cnn`: letters, digits, `.`, `_` and
/// `-` are kept, all else becomes `-`.
///
/// ```
/// assert_eq!(lenslet_store::run_name("synthetic", "cnn"), "synthetic-cnn");
/// assert_eq!(lenslet_store::run_name("../My Pictures/", "small net"), "My-Pictures-small-net");
/// ```
pub fn run_name(data: &str, model: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let parts = [data, model].map(|part| {
        let part: String = part.chars().map(|c| if plain(c) { c } else { '-' }).collect();
        // No hidden folder, and room for both and a number in a name of 200 bytes.
        let part = part.trim_matches(['.', '-']);
        part[..part.floor_char_boundary(80)].to_owned()
    });
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "run".to_owned() } else { parts.join("-") }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let mut components = Path::new(name).components();
    let plain = matches!(components.next(), Some(Component::Normal(only)) if only == name)
        && components.next().is_none();
    if plain && name.len() <= 200 && !name.contains('\\') && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(StoreError::Name { name: name.to_owned() })
}

fn make_folders(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|e| StoreError::io("make the folder", folder, e))
}
