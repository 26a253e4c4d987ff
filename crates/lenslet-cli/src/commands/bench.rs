//! `lenslet bench`.

use std::path::PathBuf;
use std::time::Duration;

use lenslet_engine::{Options, Phase, Shortcut, Shortcuts};
use lenslet_kernels::Isa;
use lenslet_model::Network;
use lenslet_train::{Bench, LayerSpeed, Machine, Speed};
use serde_json::{Value, json};

use crate::console::{counted, say, tell, thousands};
use crate::failure::Failure;
use crate::machine::{self, ShortcutArgs, ThreadArgs};
use crate::model_choice::ModelChoice;
use crate::number::at_least_one;

/// Measure how fast this machine trains a network, layer by layer, beside what it could do at best.
///
/// First the machine: the most multiply-adds of one core and of all threads, and the bandwidth of
/// the memory. Then the network is trained on built-in pictures, scaled to its input; what is told
/// are medians of many steps after some hundred that are not timed. Nothing is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(crate) struct Args {
    /// The network: a name that `lenslet models` lists, or a file that describes one
    #[arg(long, value_name = "NAME|FILE.toml", default_value = "cnn")]
    model: String,

    /// Images per training step
    #[arg(long, visible_alias = "batch", value_name = "N", default_value_t = 10,
          value_parser = at_least_one)]
    batch_size: usize,

    /// About how long the network is measured; a few steps are made whatever that is
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    seconds: Duration,

    #[command(flatten)]
    threads: ThreadArgs,

    /// Instructions to use: portable, avx2 or avx512 [default: LENSLET_ISA, else the best there are]
    #[arg(long, value_name = "NAME")]
    isa: Option<Isa>,

    #[command(flatten)]
    shortcuts: ShortcutArgs,

    /// Write the numbers to this file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const NOTES: &str = "\
The table: `GFLOP/s` counts two operations for each multiply-add of the definition in the time
that the layer takes, `made` two for each that was really made: zeros are skipped, Winograd's
algorithm makes 36 for 144 (its additions are not counted), and channels that do not fill a
vector count as if they did. `of peak` is `made` as a share of what all threads can do at best.
`conv2d_1 +2` is a layer and two more that are done with it.

Other programs that compute meanwhile make these numbers worse.";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "give a number of seconds, as in 2.5")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if seconds <= 86_400.0 => Ok(time),
        _ => Err("give a number of seconds from 0 to 86400".to_owned()),
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let isa = args.isa.map_or_else(machine::isa, Ok)?;
    let network = ModelChoice::new(&args.model)?.typical()?.build()?;
    let options = Options {
        threads: args.threads.count(),
        isa: Some(isa),
        shortcuts: Shortcuts::without(&args.shortcuts.without(&[])),
        ..Options::default()
    };
    let bench = Bench { batch_size: args.batch_size, time: args.seconds, options };

    let best = Machine::measure(Some(isa), options.threads);
    tell_machine(&best)?;
    let speed = bench.run(network.clone())?;
    tell_speed(&network, &bench, &best, &speed)?;
    if let Some(path) = &args.json {
        let text = format!("{:#}\n", numbers(&network, &bench, &best, &speed));
        lenslet_store::write(path, text.as_bytes())?;
        say(format_args!("\nNumbers: {}", path.display()))?;
    }
    Ok(())
}

fn tell_machine(machine: &Machine) -> Result<(), Failure> {
    say(format_args!("CPU             {}", machine::cpu()))?;
    say(format_args!("instructions    {}", machine.isa))?;
    say(format_args!("threads         {}", machine.threads))?;
    let [core, all] = [machine.core_peak, machine.peak].map(|flops| flops / 1e9);
    say(format_args!("peak            {core:.1} GFLOP/s of one core, {all:.1} of all threads"))?;
    say(format_args!("memory          {:.1} GB/s for all threads", machine.bandwidth / 1e9))
}

fn tell_speed(
    network: &Network,
    bench: &Bench,
    machine: &Machine,
    speed: &Speed,
) -> Result<(), Failure> {
    tell(&format!(
        "\n\"{}\", {} per step{}, after {} to warm up:",
        network.name(),
        counted(bench.batch_size, "image"),
        left_out(bench.options.shortcuts),
        counted(speed.warm_up, "step")
    ))?;
    say(format_args!(
        "\n{:22} {:11} {:>8} {:>6} {:>8} {:>8} {:>8}",
        "layer", "phase", "ms/step", "%", "GFLOP/s", "made", "of peak"
    ))?;
    let whole: f64 = speed.layers.iter().map(|layer| layer.seconds).sum();
    speed.layers.iter().try_for_each(|layer| say(line(layer, whole, machine.peak)))?;

    let (training, prediction) = (&speed.training, &speed.prediction);
    say(format_args!(
        "\ntraining        {} steps/s, {} images/s ({:.3} ms a step, median of {})",
        rounded(training.per_second()),
        rounded(training.images_per_second()),
        training.seconds * 1e3,
        thousands(training.times)
    ))?;
    say(format_args!(
        "prediction      {} images/s (batches of {}, {:.3} ms each, median of {})",
        rounded(prediction.images_per_second()),
        prediction.images,
        prediction.seconds * 1e3,
        thousands(prediction.times)
    ))
}

/// Which shortcuts were not taken, in words.
fn left_out(shortcuts: Shortcuts) -> String {
    let missing: Vec<_> = shortcuts.missing().map(Shortcut::name).collect();
    match &missing[..] {
        [] => String::new(),
        _ if shortcuts == Shortcuts::NONE => ", exactly".to_owned(),
        missing => format!(", without {}", missing.join(" and ")),
    }
}

fn line(layer: &LayerSpeed, whole: f64, peak: f64) -> String {
    let phase = layer.phase.map_or("", Phase::name);
    let rates = match layer.made {
        0.0 => String::new(),
        _ => format!(
            "{:>8.1} {:>8.1} {:>7.1}%",
            layer.flops() / 1e9,
            layer.made_flops() / 1e9,
            layer.made_flops() / peak * 100.0
        ),
    };
    let (ms, share) = (layer.seconds * 1e3, layer.seconds / whole * 100.0);
    let line = format!("{:22.22} {phase:11} {ms:>8.3} {share:>6.1} {rates}", layer.name);
    line.trim_end().to_owned()
}

/// A number with as many digits as mean something.
fn rounded(number: f64) -> String {
    if number < 100.0 { format!("{number:.1}") } else { thousands(number.round() as usize) }
}

/// What `--json` writes.
fn numbers(network: &Network, bench: &Bench, machine: &Machine, speed: &Speed) -> Value {
    let layer = |layer: &LayerSpeed| {
        json!({
            "name": layer.name,
            "phase": layer.phase.map(Phase::name),
            "seconds": layer.seconds,
            "multiply_adds": layer.multiply_adds,
            "multiply_adds_made": layer.made,
            "gflops": layer.flops() / 1e9,
            "gflops_made": layer.made_flops() / 1e9,
            "share_of_peak": layer.made_flops() / machine.peak,
        })
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "cpu": machine::cpu(),
        "isa": machine.isa.name(),
        "threads": machine.threads,
        "peak_gflops_core": machine.core_peak / 1e9,
        "peak_gflops": machine.peak / 1e9,
        "memory_gb_per_second": machine.bandwidth / 1e9,
        "model": network.name(),
        "without": bench.options.shortcuts.missing().map(Shortcut::name).collect::<Vec<_>>(),
        "warm_up_steps": speed.warm_up,
        "training": {
            "batch_size": speed.training.images,
            "steps": speed.training.times,
            "seconds_per_step": speed.training.seconds,
            "steps_per_second": speed.training.per_second(),
            "images_per_second": speed.training.images_per_second(),
        },
        "prediction": {
            "batch_size": speed.prediction.images,
            "batches": speed.prediction.times,
            "seconds_per_batch": speed.prediction.seconds,
            "images_per_second": speed.prediction.images_per_second(),
        },
        "layers": speed.layers.iter().map(layer).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        assert_eq!(rounded(0.25), "0.2");
        assert_eq!(rounded(99.94), "99.9");
        assert_eq!(rounded(12345.6), "12,346");
    }

    #[test]
    fn times_are_numbers_of_seconds() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        for text in ["-1", "NaN", "inf", "1e9", "ten", ""] {
            assert!(seconds(text).unwrap_err().contains("give a number of seconds"), "{text}");
        }
    }
}
