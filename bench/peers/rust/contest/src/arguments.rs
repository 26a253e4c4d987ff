//! The arguments that the runner gives.

use std::path::PathBuf;
use std::process::exit;

/// Networks whose name is a work's.
const NAMED: [&str; 3] = ["resnet20", "vgg11", "mobilenet_v2"];

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Training steps of the tutorial's network.
    Step,
    /// Prediction of all test pictures with the tutorial's network.
    Predict,
    /// Training steps of the larger network.
    Vgg,
    /// Training steps of a network that has a name.
    Named(&'static str),
}

/// The arguments, all of them required.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// The name to report.
    pub contestant: String,
    /// The name of the work: `step-10`.
    pub work_name: String,
    /// What to do.
    pub work: Work,
    /// Pictures in a batch: the number at the end of the work's name.
    pub batch: usize,
    /// The folder with the pictures.
    pub data: PathBuf,
    /// Threads that compute.
    pub threads: usize,
    /// How long to measure.
    pub seconds: f64,
    /// Steps before that.
    pub warm_up_steps: usize,
    /// The longest that these may take.
    pub warm_up_seconds: f64,
}

impl Arguments {
    /// Reads the program's arguments; ends the program where they make no sense.
    pub fn read() -> Self {
        let given: Vec<String> = std::env::args().skip(1).collect();
        Self::parse(&given).unwrap_or_else(|what| {
            eprintln!("error: {what}");
            exit(2)
        })
    }

    fn parse(given: &[String]) -> Result<Self, String> {
        let value = |name: &str| {
            let at = given.iter().position(|word| word == name);
            at.and_then(|at| given.get(at + 1)).ok_or(format!("{name} is missing"))
        };
        let number = |name: &str| value(name)?.parse::<f64>().map_err(|e| format!("{name}: {e}"));
        let work_name = value("--work")?.clone();
        let (kind, batch) = work_name.rsplit_once('-').ok_or("a work is KIND-BATCH")?;
        let work = match kind {
            "step" => Work::Step,
            "predict" => Work::Predict,
            "vgg" => Work::Vgg,
            named => match NAMED.iter().find(|name| **name == named) {
                Some(name) => Work::Named(name),
                None => return Err(format!("no work `{named}` here")),
            },
        };
        Ok(Self {
            contestant: value("--contestant")?.clone(),
            batch: batch.parse().map_err(|e| format!("{work_name}: {e}"))?,
            work,
            data: value("--data")?.into(),
            threads: number("--threads")? as usize,
            seconds: number("--seconds")?,
            warm_up_steps: number("--warm-up-steps")? as usize,
            warm_up_seconds: number("--warm-up-seconds")?,
            work_name,
        })
    }
}
