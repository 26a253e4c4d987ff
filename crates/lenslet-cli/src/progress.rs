//! What is seen while something takes its time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lenslet_train::{Epoch, Flow, Observer, OnNan, Progress, TrainError};

use crate::console::{is_terminal, note, say, width};
use crate::interrupt;

/// Between two looks of a bar.
const PAUSE: Duration = Duration::from_millis(100);
/// Columns that the widest line with a bar of 20 columns takes while an epoch runs.
const ROOMY: usize = 90;

/// How much a training tells while it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Nothing.
    Silent,
    /// A bar that moves.
    Bar,
    /// One line per epoch.
    Lines,
}

/// Shows a training as it goes, and ends it on Ctrl-C.
pub(crate) struct Watch {
    verbosity: Verbosity,
    bar: ProgressBar,
    /// The epoch that the bar is of; 0 before the first.
    epoch: usize,
    /// When the bar was last drawn.
    drawn: Option<Instant>,
    /// Time of the epoch's steps, validation not included.
    training: Duration,
}

impl Watch {
    /// A bar becomes lines where there is no terminal to draw it on.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        let verbosity = match verbosity {
            Verbosity::Bar if !is_terminal() => Verbosity::Lines,
            other => other,
        };
        let (bar, training) = (ProgressBar::hidden(), Duration::ZERO);
        Self { verbosity, bar, epoch: 0, drawn: None, training }
    }

    /// Takes a bar away that is still there.
    pub(crate) fn close(&self) {
        self.bar.finish_and_clear();
    }

    fn draw(&mut self, progress: &Progress) {
        if self.epoch != progress.epoch {
            self.epoch = progress.epoch;
            // Nothing that is said during a training may end it.
            let _ = say(epoch_of(progress));
            self.bar = ProgressBar::with_draw_target(
                Some(progress.steps as u64),
                ProgressDrawTarget::stdout_with_hz(10),
            );
            let columns = if width() >= ROOMY { 20 } else { 10 };
            let template = format!("{{pos}}/{{len}} {{bar:{columns}}} {{msg}}");
            let style =
                ProgressStyle::with_template(&template).expect("the template is a constant");
            self.bar.set_style(style.progress_chars("━━─"));
        } else if self.drawn.is_some_and(|drawn| drawn.elapsed() < PAUSE) {
            return;
        }
        self.drawn = Some(Instant::now());
        let left = progress
            .elapsed
            .div_f64(progress.step as f64)
            .mul_f64((progress.steps - progress.step) as f64);
        self.bar.set_message(format!(
            "{} {} - accuracy: {:.4} - loss: {:.4}",
            clock(left),
            per_step(progress.elapsed, progress.step),
            progress.accuracy,
            progress.loss
        ));
        self.bar.set_position(progress.step as u64);
    }
}

impl Observer for Watch {
    fn step(&mut self, progress: &Progress) -> Flow {
        self.training = progress.elapsed;
        if self.verbosity == Verbosity::Bar {
            self.draw(progress);
        }
        if interrupt::asked() { Flow::Stop } else { Flow::Continue }
    }

    fn rolled_back(&mut self, why: &TrainError, times: usize) {
        self.close();
        // The bar begins again.
        self.epoch = 0;
        let most = OnNan::MOST_ROLLBACKS;
        note(format_args!(
            "{why}; going back to where the epoch began, with half the learning rate ({times} of \
             {most})"
        ));
    }

    fn epoch(&mut self, progress: &Progress, epoch: &Epoch) -> Flow {
        self.close();
        let Progress { step, steps, elapsed, .. } = *progress;
        let time = format!("{} {}", clock(elapsed), per_step(self.training, step));
        let _ = match self.verbosity {
            Verbosity::Silent => Ok(()),
            Verbosity::Lines => {
                say(format_args!("{} - {step}/{steps} - {time} - {epoch}", epoch_of(progress)))
            }
            Verbosity::Bar => say(fitted(&format!("{step}/{steps}"), &time, epoch, width())),
        };
        if interrupt::asked() { Flow::Stop } else { Flow::Continue }
    }
}

fn epoch_of(progress: &Progress) -> String {
    format!("Epoch {}/{}", progress.epoch, progress.epochs)
}

/// Keras's line; what does not fit into `width` columns goes to a second one.
fn fitted(steps: &str, time: &str, epoch: &Epoch, width: usize) -> String {
    let line = format!("{steps} {} {time} - {epoch}", "━".repeat(20));
    match line.split_once(" - val_accuracy") {
        Some((first, rest)) if line.chars().count() > width => {
            let first = if first.chars().count() > width {
                format!("{steps} {} {time} - {epoch}", "━".repeat(10))
                    .split(" - val_accuracy")
                    .next()
                    .unwrap_or(first)
                    .to_owned()
            } else {
                first.to_owned()
            };
            format!("{first}\n{} val_accuracy{rest}", " ".repeat(steps.len()))
        }
        _ => line,
    }
}

/// `12s`, `1:05`, `2:00:00`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// `1.9ms/step`, with three digits or fewer that matter.
fn per_step(time: Duration, steps: usize) -> String {
    let ms = time.as_secs_f64() * 1e3 / steps.max(1) as f64;
    match ms {
        ..0.1 => format!("{:.0}us/step", ms * 1e3),
        ..10.0 => format!("{ms:.1}ms/step"),
        ..1000.0 => format!("{ms:.0}ms/step"),
        _ => format!("{:.1}s/step", ms / 1e3),
    }
}

/// A download; says and draws nothing before the first byte is asked for.
pub(crate) struct Download<'a> {
    url: &'a str,
    quiet: bool,
    bar: ProgressBar,
    begun: Cell<bool>,
}

impl<'a> Download<'a> {
    pub(crate) fn new(url: &'a str, quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = "{bytes}/{total_bytes} {bar:20} {bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        bar.set_style(style.progress_chars("━━─"));
        Self { url, quiet, bar, begun: Cell::new(false) }
    }

    /// `done` bytes of `total` (0: not known) are there.
    pub(crate) fn at(&self, done: u64, total: u64) {
        if !self.begun.replace(true) && !self.quiet {
            note(format_args!("downloading {}", self.url));
        }
        if total > 0 {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use lenslet_train::MetricValues;

    use super::*;

    #[test]
    fn times_are_short() {
        let cases = [(0.4, "0s"), (59.4, "59s"), (65.0, "1:05"), (7200.0, "2:00:00")];
        for (seconds, words) in cases {
            assert_eq!(clock(Duration::from_secs_f64(seconds)), words);
        }
        let cases = [(0.00005, "50us/step"), (0.0019, "1.9ms/step"), (0.012, "12ms/step")];
        for (seconds, words) in cases {
            assert_eq!(per_step(Duration::from_secs_f64(seconds * 10.0), 10), words);
        }
    }

    #[test]
    fn a_narrow_terminal_gets_two_lines() {
        let epoch = Epoch {
            epoch: 1,
            loss: 1.4127,
            accuracy: Some(0.4918),
            val_loss: Some(1.1079),
            val_accuracy: Some(0.6095),
            metrics: MetricValues::default(),
            val_metrics: MetricValues::default(),
            learning_rate: 0.001,
            seconds: 2.0,
        };
        let wide = fitted("1000/1000", "2s 1.9ms/step", &epoch, 120);
        assert_eq!(
            wide,
            "1000/1000 ━━━━━━━━━━━━━━━━━━━━ 2s 1.9ms/step - accuracy: 0.4918 - loss: 1.4127 - \
             val_accuracy: 0.6095 - val_loss: 1.1079"
        );
        let narrow = fitted("1000/1000", "2s 1.9ms/step", &epoch, 80);
        let lines: Vec<_> = narrow.lines().collect();
        assert_eq!(lines[1], "          val_accuracy: 0.6095 - val_loss: 1.1079");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{narrow}");
    }
}
