//! What is told of a training.

use lenslet_data::Split;
use lenslet_engine::{Phase, Profile};
use lenslet_store::{Run, RunFile};
use lenslet_train::{History, Model, verdict};

use crate::console::{counted, say, tell, width};
use crate::data;
use crate::failure::Failure;
use crate::findings::Findings;
use crate::interrupt;

/// What is told before training.
pub(super) fn introduce(run: &Run, split: &Split, model: &Model) -> Result<(), Failure> {
    tell(&format!("Run: {}", run.folder().display()))?;
    tell(&format!("Data: {}", data::describe(split)))?;
    let kind = if split.train.labels().sparse().is_some() { "Classes" } else { "Labels" };
    tell(&format!("{kind}: {}", data::classes(&split.train)))?;
    say(format_args!("\n{}", model.network().summary(width())))
}

/// What is told after it.
pub(super) fn conclude(
    run: &Run,
    history: &History,
    findings: &Findings,
    seconds: f64,
    restored: Option<usize>,
) -> Result<(), Failure> {
    say("")?;
    if history.stopped {
        tell(&format!("Stopped in epoch {}; what was learnt is kept.", history.epochs.len()))?;
    }
    if interrupt::signal().is_some() && history.stopped {
        tell(&format!("To go on: lenslet train --resume {}", run.folder().display()))?;
    }
    if let Some(epoch) = restored {
        tell(&format!("The weights of the best epoch, {epoch}, are those that stayed."))?;
    }
    tell(&format!("Trained for {seconds:.1} s: {}", findings.headline("test")))?;
    findings.weaknesses().iter().try_for_each(|weakness| tell(weakness))?;
    tell(&verdict(history).to_string())?;
    let folder = run.folder().display();
    say(format_args!(
        "\nIn {folder}:\n  \
         samples, accuracy, loss, confusion_matrix  pictures (.png and .svg)\n  \
         classification_report.txt, history.csv     numbers\n  \
         weights.safetensors, model.json            the model\n  \
         config.toml                                repeats the run (--config)\n\n\
         Next:\n  lenslet evaluate {folder}\n  lenslet predict {folder} IMAGE"
    ))
}

/// Where the time went.
pub(super) fn tell_profile(run: &Run, profile: &Profile) -> Result<(), Failure> {
    let step = profile.total(None, Phase::Step).time / profile.threads() as u32;
    say(format_args!(
        "\nWhere the {:.1} s of {} went, on {}:\n\n{profile}",
        step.as_secs_f64(),
        counted(profile.steps(), "training step"),
        counted(profile.threads(), "thread"),
    ))?;
    tell(&format!(
        "GFLOP/s by the definition, and as made: without skipped zeros, with Winograd's fewer \
         multiplications. Time line of the first {}: {}",
        counted(profile.traced_steps(), "step"),
        run.path(RunFile::Profile).display()
    ))
}
