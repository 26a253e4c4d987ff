//! What the program takes from its surroundings: instruction set, threads, cache folder.

use std::env::{self, VarError};
use std::fs;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::value_parser;
use etcetera::BaseStrategy;
use lenslet_engine::{Options, Shortcut, Shortcuts};
use lenslet_kernels::Isa;
use lenslet_store::{RunConfig, TrainingConfig};

use crate::failure::Failure;

/// Where downloads are kept.
#[derive(Debug, clap::Args)]
pub(crate) struct CacheArgs {
    /// The folder where downloads are kept [default: `lenslet` in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "LENSLET_CACHE", hide_env_values = true)]
    pub(crate) cache: Option<PathBuf>,
}

impl CacheArgs {
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = self.cache.as_ref().filter(|folder| !folder.as_os_str().is_empty()) {
            return Ok(folder.clone());
        }
        let base = etcetera::choose_base_strategy().map_err(|e| {
            Failure::failed(format!("there is no cache folder ({e}); give one with --cache"))
        })?;
        Ok(base.cache_dir().join("lenslet"))
    }
}

/// Multiply-adds for which a thread is started: a tenth of a millisecond goes into its start, and half
/// of one or more into these.
const WORTH_A_THREAD: u64 = 1 << 26;

/// How many threads compute.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ThreadArgs {
    /// Threads that compute; no result depends on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

impl ThreadArgs {
    /// The same, but no more threads than find work in so many images, each of which takes so many
    /// multiply-adds: one an image, or as many as share one that is large.
    pub(crate) fn at_most(&self, images: usize, multiply_adds: u64) -> Self {
        let all = multiply_adds.saturating_mul(images as u64);
        let busy = usize::try_from(all / WORTH_A_THREAD).unwrap_or(usize::MAX);
        let useful = images.max(busy).max(1);
        // One needs no look at the machine.
        let threads = if useful == 1 { 1 } else { self.count().min(useful) };
        Self { threads: u16::try_from(threads).ok() }
    }

    /// The number of threads: what was asked for, else one per core.
    pub(crate) fn count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get());
        self.threads.map_or_else(cores, usize::from)
    }

    /// Options for an engine, on the instruction set `isa`.
    pub(crate) fn options(&self, isa: Isa, config: &RunConfig) -> Options {
        let RunConfig { without, training: TrainingConfig { seed, .. }, .. } = config;
        let shortcuts = Shortcuts::without(without);
        Options { threads: self.count(), isa: Some(isa), seed: *seed, shortcuts }
    }
}

/// Which shortcuts are not taken.
#[derive(Debug, clap::Args)]
pub(crate) struct ShortcutArgs {
    /// Take no shortcut: every multiplication of the definition, one layer after the other; much
    /// slower, and the last digits differ. The same as --without winograd,fusion,skipping
    #[arg(long)]
    exact: bool,

    /// Take all shortcuts but these: winograd (convolutions by fewer multiplications), fusion
    /// (several layers in one go), skipping (of multiplications by zero)
    #[arg(long, value_name = "SHORTCUT,...", value_delimiter = ',', value_parser = shortcut(),
          hide_possible_values = true)]
    without: Vec<Shortcut>,
}

impl ShortcutArgs {
    /// The shortcuts that are not taken: those of these options, and those that a run did not take
    /// either.
    pub(crate) fn without(&self, last: &[Shortcut]) -> Vec<Shortcut> {
        let left_out =
            |one: &Shortcut| self.exact || self.without.contains(one) || last.contains(one);
        Shortcut::ALL.into_iter().filter(left_out).collect()
    }
}

fn shortcut() -> impl TypedValueParser<Value = Shortcut> {
    let names = PossibleValuesParser::new(Shortcut::ALL.map(Shortcut::name));
    names.map(|name| {
        let named = |one: &Shortcut| one.name() == name;
        Shortcut::ALL.into_iter().find(named).expect("one of their names")
    })
}

/// The instruction set that `LENSLET_ISA` names.
pub(crate) fn isa_asked_for() -> Result<Option<Isa>, Failure> {
    match env::var("LENSLET_ISA") {
        Err(VarError::NotPresent) => Ok(None),
        Ok(name) if name.is_empty() => Ok(None),
        Ok(name) => name.parse().map(Some).map_err(|e| {
            Failure::usage(format!("LENSLET_ISA: {e}; unset it to use the best there is"))
        }),
        Err(VarError::NotUnicode(name)) => {
            Err(Failure::usage(format!("LENSLET_ISA: {name:?} is no instruction set; unset it")))
        }
    }
}

/// The instruction set to use: that of `LENSLET_ISA`, else the best.
pub(crate) fn isa() -> Result<Isa, Failure> {
    Ok(isa_asked_for()?.unwrap_or_else(Isa::detect))
}

/// The CPU's name, where the system tells it.
pub(crate) fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    match name {
        Some((_, name)) => format!("{} ({})", name.trim(), std::env::consts::ARCH),
        None => std::env::consts::ARCH.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_images_take_few_threads_unless_they_are_much_work() {
        let small = 11_000_000;
        for (images, each, threads) in
            [(0, small, 1), (1, small, 1), (3, small, 3), (100, small, 8), (1, 300_000_000, 4)]
        {
            let asked = ThreadArgs { threads: Some(8) };
            assert_eq!(asked.at_most(images, each).count(), threads, "{images} of {each}");
        }
    }
}
