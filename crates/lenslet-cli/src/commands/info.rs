//! `lenslet info`.

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
    let asked_for = machine::isa_asked_for()?;
    let (isa, by) = match asked_for {
        Some(isa) => (isa, ", as LENSLET_ISA says"),
        None => (Isa::detect(), ""),
    };
    let available: Vec<_> = Isa::available().map(Isa::name).collect();
    let cache = args.cache.folder()?;
    let archive = cache.join(cifar10::ARCHIVE);
    say(format_args!("lenslet         {}", env!("CARGO_PKG_VERSION")))?;
    say(format_args!("CPU             {}", machine::cpu()))?;
    say(format_args!("instructions    {isa}{by} (this CPU has: {})", available.join(", ")))?;
    say(format_args!("threads         {}", args.threads.count()))?;
    say(format_args!("cache folder    {}", cache.display()))?;
    let there = if archive.is_file() { "there" } else { "not downloaded" };
    say(format_args!("cifar10         {there}"))
}
