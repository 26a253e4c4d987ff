//! Times steps and prints the line of results.

use std::time::Instant;

use crate::Arguments;

/// However slow a step is, so many are warm-up, and so many are timed.
const LEAST_WARM_UP: usize = 2;
const LEAST_TIMED: usize = 3;

/// What was measured.
#[derive(Clone, Debug)]
pub struct Results {
    /// Milliseconds of each step.
    pub times_ms: Vec<f64>,
    /// Steps before them.
    pub warm_up_steps: usize,
    /// The last step's loss, where it has one.
    pub loss: Option<f64>,
}

/// Calls `step(index)` until it is warm, then times it.
pub fn measure(args: &Arguments, mut step: impl FnMut(usize) -> Option<f64>) -> Results {
    let (mut warm, start) = (0, Instant::now());
    while warm < LEAST_WARM_UP
        || (warm < args.warm_up_steps && start.elapsed().as_secs_f64() < args.warm_up_seconds)
    {
        step(warm);
        warm += 1;
    }
    let (mut times_ms, mut loss, start) = (Vec::new(), None, Instant::now());
    while times_ms.len() < LEAST_TIMED || start.elapsed().as_secs_f64() < args.seconds {
        let before = Instant::now();
        loss = step(warm + times_ms.len());
        times_ms.push(1000.0 * before.elapsed().as_secs_f64());
    }
    Results { times_ms, warm_up_steps: warm, loss }
}

impl Results {
    /// Prints the line that the runner reads.
    pub fn report(&self, args: &Arguments, version: &str) {
        if let Some(loss) = self.loss.filter(|loss| !loss.is_finite()) {
            eprintln!("the loss became {loss}");
            std::process::exit(1);
        }
        let line = serde_json::json!({
            "contestant": args.contestant,
            "version": version,
            "work": args.work_name,
            "times_ms": self.times_ms,
            "warm_up_steps": self.warm_up_steps,
            "loss": self.loss,
        });
        println!("{line}");
    }
}
