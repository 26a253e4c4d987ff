//! Every schedule against Keras, where it has one, and against PyTorch.

use lenslet_model::Schedule;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    schedule: Schedule,
    learning_rate: f64,
    rates: Vec<f64>,
}

fn check(text: &str, cases: usize, tolerance: f64) {
    let golden: Golden = serde_json::from_str(text).unwrap();
    assert_eq!(golden.cases.len(), cases);
    for case in golden.cases {
        assert_eq!(case.rates.len(), 48);
        for (step, expected) in case.rates.iter().enumerate() {
            let rate = case.schedule.rate(case.learning_rate, step as u64);
            let off = (rate - expected).abs();
            let largest = tolerance * case.learning_rate;
            assert!(off <= largest, "{:?} step {step}: {rate} {expected}", case.schedule);
        }
    }
}

#[test]
fn schedules_are_keras() {
    check(include_str!("../../../golden/keras/schedules.json"), 14, 1e-6);
}

#[test]
fn schedules_are_pytorchs() {
    check(include_str!("../../../golden/torch/schedules.json"), 12, 1e-12);
}

#[test]
fn a_warm_up_comes_before_any_course() {
    for course in [
        "name = \"constant\"",
        "name = \"step\"\nstep_size = 10",
        "name = \"piecewise\"\nboundaries = [3]\nfactors = [1.0, 0.1]",
        "name = \"exponential\"\ndecay_steps = 10\ndecay_rate = 0.5",
        "name = \"polynomial\"\ndecay_steps = 10",
        "name = \"cosine\"\ndecay_steps = 10",
        "name = \"cosine_restarts\"\nfirst_decay_steps = 10",
        "name = \"one_cycle\"\ntotal_steps = 10",
    ] {
        let plain: Schedule = toml::from_str(course).unwrap();
        let warm = plain.clone().warmup(8);
        assert_eq!(warm.rate(0.1, 0), 0.0, "{course}");
        assert!((warm.rate(0.1, 4) - plain.rate(0.1, 0) / 2.0).abs() < 1e-15, "{course}");
        for step in 0..30 {
            assert_eq!(warm.rate(0.1, step + 8), plain.rate(0.1, step), "{course}");
        }
    }
}
