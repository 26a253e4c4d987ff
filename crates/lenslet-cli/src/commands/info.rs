//! `lenslet info`.

use std::fs;

use lenslet_data::cifar10;
use lenslet_kernels::Isa;

use crate::console::say;
use crate::failure::Failure;
use crate::machine::{self, CacheArgs, ThreadArgs};

/// Print the version, the CPU's features in use, the threads and the cache folder.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    threads: ThreadArgs,

    #[command(flatten)]
    cache: CacheArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let isa = machine::isa()?;
    let available: Vec<_> = Isa::available().map(Isa::name).collect();
    let cache = args.cache.folder()?;
    let archive = cache.join(cifar10::ARCHIVE);
    say(format_args!("lenslet         {}", env!("CARGO_PKG_VERSION")))?;
    say(format_args!("CPU             {}", cpu()))?;
    say(format_args!("instructions    {isa} (this CPU has: {})", available.join(", ")))?;
    say(format_args!("threads         {}", args.threads.count()))?;
    say(format_args!("cache folder    {}", cache.display()))?;
    let there = if archive.is_file() { "there" } else { "not downloaded" };
    say(format_args!("cifar10         {there}"))
}

/// The CPU's name, where the system tells it.
fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    match name {
        Some((_, name)) => format!("{} ({})", name.trim(), std::env::consts::ARCH),
        None => std::env::consts::ARCH.to_owned(),
    }
}
