//! How fast this machine trains a model, and how near that is to what it could do.

mod machine;
mod pictures;

use std::time::{Duration, Instant};

use lenslet_data::{Dataset, Labels, shuffled_order};
use lenslet_engine::{Cpu, Engine, Options, Phase, Row};
use lenslet_model::{Adam, Loss, Network};

use crate::TrainError;
use crate::evaluation::BATCH;
use crate::targets::targets;
pub use machine::Machine;
use pictures::{count, pictures};

/// How to measure a model.
///
/// ```
/// use lenslet_model::{Sequential, layers::{Dense, Flatten}};
/// use lenslet_train::Bench;
/// let model = Sequential::new((32, 32, 3)).add(Flatten::new()).add(Dense::new(10));
/// let bench = Bench { time: std::time::Duration::from_millis(20), ..Bench::default() };
/// let speed = bench.run(model.build()?)?;
/// println!("{} images trained a second", speed.training.images_per_second());
/// # assert!(speed.layers.iter().any(|layer| layer.name == "dense"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bench {
    /// Images in a training step; 10.
    pub batch_size: usize,
    /// About how long it may take; 10 seconds. A few steps are always made.
    pub time: Duration,
    /// Threads, instruction set, seed, and shortcuts.
    pub options: Options,
}

impl Default for Bench {
    fn default() -> Self {
        Self { batch_size: 10, time: Duration::from_secs(10), options: Options::default() }
    }
}

/// What was measured of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Speed {
    /// Training steps before anything was timed.
    pub warm_up: usize,
    /// Training steps.
    pub training: Timing,
    /// Predictions, in larger batches.
    pub prediction: Timing,
    /// What a training step is made of.
    pub layers: Vec<LayerSpeed>,
}

/// How long something takes that was done several times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Images that are treated in one go.
    pub images: usize,
    /// How often it was done.
    pub times: usize,
    /// Seconds, the median.
    pub seconds: f64,
}

impl Timing {
    /// How often it can be done in a second.
    pub fn per_second(&self) -> f64 {
        1.0 / self.seconds
    }

    /// Images that can be treated in a second.
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds
    }
}

/// A layer, or what was fused to one, in one phase of a training step.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpeed {
    /// The layer's name; `conv2d +2` with two layers more that are done with it; else a word for
    /// what is no layer's.
    pub name: String,
    /// What is done; `None` for what is left of the step.
    pub phase: Option<Phase>,
    /// Seconds of a step, all threads at it: the median.
    pub seconds: f64,
    /// Multiply-adds of a step by the definition.
    pub multiply_adds: f64,
    /// Multiply-adds of a step that are made, on average: see [`lenslet_engine::Total::made`].
    pub made: f64,
}

impl LayerSpeed {
    /// Floating-point operations of the definition in a second; 0 where there are none.
    pub fn flops(&self) -> f64 {
        rate(self.multiply_adds, self.seconds)
    }

    /// Floating-point operations that are made in a second.
    pub fn made_flops(&self) -> f64 {
        rate(self.made, self.seconds)
    }
}

/// A multiplication and an addition each.
fn rate(multiply_adds: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { 2.0 * multiply_adds / seconds } else { 0.0 }
}

/// The most training steps of the warm-up: after these, gradients have about as many zeros as they
/// will have.
const WARM_UP: usize = 300;
/// Training steps and predictions that are made whatever the time.
const LEAST: usize = 3;

impl Bench {
    /// Trains `network`, with Adam, on pictures of
    /// [`Synthetic`](lenslet_data::synthetic::Synthetic) scaled to its input, and times that,
    /// then predictions.
    ///
    /// # Errors
    /// Where the engine cannot run the network, or its output is not a vector of at least two
    /// classes.
    pub fn run(&self, network: Network) -> Result<Speed, TrainError> {
        if self.batch_size == 0 {
            return Err(TrainError::Setting { setting: "batch_size", value: 0 });
        }
        network.check_classes(network.output().elements())?;
        let data = pictures(&network, count(&network, self.batch_size), self.options.seed)?;
        let optimizer = Adam::default().into();
        let engine = Cpu::new(network, Loss::default(), optimizer, self.options)?;
        let mut bed = Bed::new(engine, data, self);

        let warm_up = bed.train(self.share(0.3), WARM_UP, |_| {})?.len();
        let training = bed.train(self.share(0.3), usize::MAX, |_| {})?;
        let layers = bed.layers(self.share(0.3))?;
        let prediction = bed.predict(self.share(0.1))?;
        Ok(Speed { warm_up, training: timing(self.batch_size, training), prediction, layers })
    }

    fn share(&self, share: f64) -> Duration {
        self.time.mul_f64(share)
    }
}

/// The engine, and what it is tried on.
struct Bed {
    engine: Cpu,
    data: Dataset,
    order: Vec<u32>,
    /// Where the next batch begins in `order`.
    next: usize,
    batch_size: usize,
    batch: (Vec<u8>, Labels),
}

impl Bed {
    fn new(engine: Cpu, data: Dataset, bench: &Bench) -> Self {
        let order = shuffled_order(bench.options.seed, 1, data.len());
        Self { engine, data, order, next: 0, batch_size: bench.batch_size, batch: <_>::default() }
    }

    /// Seconds of training steps, at most so many, until `time` is over. Calls `after` after each.
    fn train(
        &mut self,
        time: Duration,
        most: usize,
        mut after: impl FnMut(&Cpu),
    ) -> Result<Vec<f64>, TrainError> {
        repeated(time, most, || {
            if self.next + self.batch_size > self.order.len() {
                self.next = 0;
            }
            let indices = &self.order[self.next..self.next + self.batch_size];
            self.next += self.batch_size;
            let (pixels, labels) = &mut self.batch;
            self.data.gather(indices, pixels, labels);
            let start = Instant::now();
            self.engine.train_on(pixels, targets(labels))?;
            let seconds = start.elapsed().as_secs_f64();
            after(&self.engine);
            Ok(seconds)
        })
    }

    /// What training steps are made of.
    fn layers(&mut self, time: Duration) -> Result<Vec<LayerSpeed>, TrainError> {
        self.engine.start_profile(0);
        // Memory that was laid out anew is warmed up once more.
        self.train(Duration::ZERO, LEAST, |_| {})?;
        self.engine.start_profile(0);
        let threads = self.engine.threads() as f64;
        let mut sums: Vec<f64> = Vec::new();
        let mut times: Vec<Vec<f64>> = Vec::new();
        let steps = self.train(time, usize::MAX, |engine| {
            let rows = engine.profile().map(|profile| profile.rows()).unwrap_or_default();
            sums.resize(rows.len(), 0.0);
            times.resize(rows.len(), Vec::new());
            for ((row, sum), times) in rows.iter().zip(&mut sums).zip(&mut times) {
                let time = row.total.time.as_secs_f64() / threads;
                times.push(time - *sum);
                *sum = time;
            }
        })?;
        let rows = self.engine.take_profile().map(|profile| profile.rows()).unwrap_or_default();
        let speed = |(row, times): (Row, Vec<f64>)| LayerSpeed {
            name: row.name,
            phase: row.phase,
            seconds: median(times),
            multiply_adds: row.total.multiply_adds as f64 / steps.len() as f64,
            made: row.total.made as f64 / steps.len() as f64,
        };
        Ok(rows.into_iter().zip(times).map(speed).collect())
    }

    fn predict(&mut self, time: Duration) -> Result<Timing, TrainError> {
        let images = BATCH.min(self.data.len());
        let pixels = &self.data.pixels()[..images * self.engine.network().input().elements()];
        let (engine, mut outputs) = (&mut self.engine, Vec::new());
        engine.predict(pixels, images, &mut outputs)?;
        let times = repeated(time, usize::MAX, || {
            let start = Instant::now();
            engine.predict(pixels, images, &mut outputs)?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        Ok(timing(images, times))
    }
}

/// What `once` returns, until `time` is over; at least [`LEAST`] and at most `most` times.
fn repeated(
    time: Duration,
    most: usize,
    mut once: impl FnMut() -> Result<f64, TrainError>,
) -> Result<Vec<f64>, TrainError> {
    let (start, mut all) = (Instant::now(), Vec::new());
    while all.len() < LEAST || (start.elapsed() < time && all.len() < most) {
        all.push(once()?);
    }
    Ok(all)
}

fn timing(images: usize, times: Vec<f64>) -> Timing {
    Timing { images, times: times.len(), seconds: median(times) }
}

/// The middle one, or the mean of the two in the middle; NaN of nothing.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = |i: usize| numbers.get(i).copied().unwrap_or(f64::NAN);
    (middle(numbers.len() / 2) + middle(numbers.len().saturating_sub(1) / 2)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenslet_model::Sequential;
    use lenslet_model::layers::{Conv2D, Dense, Flatten};

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn every_layer_is_timed() {
        let model = Sequential::new((12, 12, 3))
            .add(Conv2D::new(8, 3))
            .add(Flatten::new())
            .add(Dense::new(5));
        let options = Options { threads: 2, ..Options::default() };
        let bench = Bench { batch_size: 4, time: Duration::ZERO, options };
        let speed = bench.run(model.build().unwrap()).unwrap();
        assert_eq!((speed.warm_up, speed.training.times, speed.prediction.times), (3, 3, 3));
        assert_eq!((speed.training.images, speed.prediction.images), (4, 256));
        let conv = (10 * 10 * 9 * 3 * 8 * 4) as f64;
        for (name, phase, multiply_adds) in [
            ("conv2d", Phase::Forward, conv),
            ("conv2d", Phase::Backward, conv),
            ("dense", Phase::Forward, (800 * 5 * 4) as f64),
            ("dense", Phase::BackwardUpdate, (2 * 800 * 5 * 4) as f64),
            ("parameters", Phase::Update, 0.0),
        ] {
            let wanted = |l: &&LayerSpeed| l.name == name && l.phase == Some(phase);
            let layer = speed.layers.iter().find(wanted).unwrap();
            assert_eq!(layer.multiply_adds, multiply_adds, "{layer:?}");
            assert!(layer.seconds > 0.0 && (layer.made > 0.0) == (multiply_adds > 0.0));
        }
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let model = Sequential::new((8, 8, 3)).add(Conv2D::new(8, 3));
        let network = model.build().unwrap();
        let error = Bench::default().run(network.clone()).unwrap_err().to_string();
        assert!(error.contains("conv2d") && error.contains("Dense"), "{error}");
        let nothing = Bench { batch_size: 0, ..Bench::default() };
        assert!(nothing.run(network).unwrap_err().to_string().contains("batch_size = 0"));
    }
}
