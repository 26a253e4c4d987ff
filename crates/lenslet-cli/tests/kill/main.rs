//! Kills trainings at random moments, goes on with each until it ends, and compares what it ends
//! with to what one ends with that was never killed: the same bits, always.
//!
//! Half of the kills go to the program, whenever it pleases. The other half go to a training in
//! this binary, whose checkpoints go to a disk so slow that most of them meet one half written.
//!
//!     cargo test -p lenslet-cli --test kill            20 kills
//!     cargo test -p lenslet-cli --test kill -- 300     as many as you like

mod slow_disk;
mod training;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Kills, where no number is given.
const KILLS: u64 = 20;
/// At least one of so many kills is to meet a checkpoint that is being written.
const ONE_OF: u64 = 5;

fn main() {
    let mut args = env::args().skip(1);
    match args.next().as_deref() {
        Some(training::CHILD) => training::run(Path::new(&args.next().expect("a folder"))),
        None => kill(KILLS),
        // What `cargo test` hands on to every test: a filter, or an option of the usual harness.
        Some(first) => match first.parse() {
            Ok(kills) => kill(kills),
            Err(_) if "kill".contains(first) => kill(KILLS),
            Err(_) => {}
        },
    }
}

fn kill(kills: u64) {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut dice = Dice(since.map_or(1, |since| since.as_nanos() as u64));
    let program = Program::new();
    let first = Count::of(kills / 2, &program, &mut dice);
    let second = Count::of(kills - kills / 2, &SlowDisk, &mut dice);
    println!(
        "{kills} kills, {} of them with a checkpoint half written; {} trainings ended, each with \
         the bits of one that was never killed",
        first.writing + second.writing,
        first.trainings + second.trainings
    );
    assert!(second.writing * ONE_OF >= kills, "too few met a checkpoint half written");
}

/// What is killed.
trait Victim {
    /// The process that begins or goes on in `folder`.
    fn command(&self, folder: &Path) -> Command;
    /// What a finished training leaves.
    fn end(&self, folder: &Path) -> Vec<u8>;
}

struct Program {
    sandbox: tempfile::TempDir,
}

impl Program {
    fn new() -> Self {
        let sandbox = tempfile::tempdir().unwrap();
        fs::write(sandbox.path().join("config.toml"), CONFIG).unwrap();
        Self { sandbox }
    }
}

impl Victim for Program {
    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenslet"));
        let run = folder.join("run");
        command.args(["train", "--quiet", "--checkpoint-minutes", "0"]);
        if run.join("config.toml").exists() {
            command.arg("--resume").arg(run);
        } else {
            // It was killed before it had begun.
            let _ = fs::remove_dir_all(&run);
            command.arg("--config").arg(self.sandbox.path().join("config.toml"));
            command.arg("--out").arg(run);
        }
        command
    }

    fn end(&self, folder: &Path) -> Vec<u8> {
        assert!(folder.join("run/result.json").exists());
        fs::read(folder.join("run/weights.safetensors")).unwrap()
    }
}

struct SlowDisk;

impl Victim for SlowDisk {
    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg(training::CHILD).arg(folder);
        command
    }

    fn end(&self, folder: &Path) -> Vec<u8> {
        fs::read(training::weights(folder)).unwrap()
    }
}

#[derive(Default)]
struct Count {
    kills: u64,
    writing: u64,
    trainings: u64,
}

impl Count {
    fn of(kills: u64, victim: &dyn Victim, dice: &mut Dice) -> Self {
        let never_killed = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let status = victim.command(never_killed.path()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
        // Any time of a training is as likely as any other.
        let patience = start.elapsed();
        let expected = victim.end(never_killed.path());
        let mut count = Self::default();
        while count.kills < kills {
            let folder = tempfile::tempdir().unwrap();
            let mut kill = || kill_one(victim, folder.path(), patience.mul_f64(dice.roll()));
            while let Some(writing) = kill() {
                count.kills += 1;
                count.writing += u64::from(writing);
            }
            count.trainings += 1;
            assert!(victim.end(folder.path()) == expected, "the bits differ");
        }
        count
    }
}

/// Starts a process and kills it after some time: whether a checkpoint was half written then. `None`
/// where it came to its end before.
fn kill_one(victim: &dyn Victim, folder: &Path, delay: Duration) -> Option<bool> {
    let mut child = victim.command(folder).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let last = thread::spawn(move || out.lines().map_while(Result::ok).last());
    let ended = wait(&mut child, delay);
    if let Some(success) = ended {
        assert!(success, "it could not go on in {}", folder.display());
        return None;
    }
    // SIGKILL: nothing is tidied up.
    child.kill().unwrap();
    child.wait().unwrap();
    let last = last.join().unwrap();
    Some(last.as_deref() == Some(slow_disk::BEGUN))
}

/// Whether it succeeded, where it ends in this time.
fn wait(child: &mut Child, time: Duration) -> Option<bool> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.success());
        }
        if start.elapsed() >= time {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Everything that has a state, in a training of a second.
const CONFIG: &str = r#"
version = "0.1.0"
isa = "portable"

[data]
kind = "synthetic"
seed = 1
train = 210
test = 60

[training]
epochs = 12
batch_size = 20
seed = 7
shuffle = true

[training.early_stopping]
patience = 50
restore_best_weights = true

[training.reduce_lr_on_plateau]
patience = 1

[training.optimizer]
name = "adam"
learning_rate = 0.001
use_ema = true
ema_momentum = 0.9
gradient_accumulation_steps = 3

[training.loss]
name = "sparse_categorical_crossentropy"

[model]
name = "tiny"
input = [32, 32, 3]

[[model.layers]]
type = "AveragePool2D"
pool_size = 4

[[model.layers]]
type = "Conv2D"
filters = 8
kernel_size = 3

[[model.layers]]
type = "BatchNormalization"

[[model.layers]]
type = "Flatten"

[[model.layers]]
type = "Dropout"
rate = 0.2

[[model.layers]]
type = "Dense"
units = 10
activation = "softmax"
"#;
