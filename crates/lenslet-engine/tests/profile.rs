//! What a profile of training steps says.

mod common;

use std::time::Duration;

use common::{Dice, cross_entropy, isa};
use lenslet_engine::{Cpu, Engine, Options, Phase, Profile, Row, Span};
use lenslet_model::layers::{Conv2D, Dense, Dropout, Flatten, MaxPool2D};
use lenslet_model::{Activation, Adam, Padding, Sequential};
use serde_json::Value;

const BATCH: usize = 5;

/// Two fused blocks, of which one takes dropout back too; an activation on its own.
fn model() -> Sequential {
    let conv = |n| Conv2D::new(n, 3).padding(Padding::Same).activation(Activation::Relu);
    Sequential::new((8, 8, 3))
        .add(conv(4))
        .add(conv(6))
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.5))
        .add(Flatten::new())
        .add(Dense::new(7).activation(Activation::Relu))
        .add(Dense::new(3).activation(Activation::Softmax))
}

fn engine(threads: usize) -> Cpu {
    let options = Options { threads, isa: Some(isa()), ..Options::default() };
    let network = model().build().unwrap();
    Cpu::new(network, cross_entropy().into(), Adam::default().into(), options).unwrap()
}

/// Some steps of different batches.
fn train(engine: &mut Cpu, steps: usize) {
    for step in 0..steps {
        let d = &mut Dice::new(900, step as u64);
        engine.train_step(&d.bytes(BATCH * 8 * 8 * 3), &d.labels(BATCH, 3)).unwrap();
    }
}

fn profile(threads: usize, steps: usize, traced: usize) -> Profile {
    let mut engine = engine(threads);
    train(&mut engine, 1);
    engine.start_profile(traced);
    train(&mut engine, steps);
    engine.take_profile().unwrap()
}

fn contains(outer: &Span, inner: &Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[test]
fn a_profile_changes_no_result() {
    let (mut plain, mut profiled) = (engine(2), engine(2));
    train(&mut plain, 4);
    profiled.start_profile(2);
    train(&mut profiled, 4);
    assert_eq!(plain.parameters(), profiled.parameters());
    assert!(plain.profile().is_none() && plain.take_profile().is_none());
}

#[test]
fn spans_lie_inside_their_step() {
    for threads in [1, 2, 3] {
        let profile = profile(threads, 4, 3);
        assert_eq!((profile.steps(), profile.samples()), (4, 4 * BATCH));
        assert_eq!((profile.traced_steps(), profile.threads()), (3, threads));
        for step in 0..3 {
            let spans: Vec<_> = profile.spans().iter().filter(|s| s.step == step).collect();
            assert_eq!(spans[0].phase, Phase::Step, "it begins first and ends last");
            for span in &spans[1..] {
                assert!(span.phase != Phase::Step && contains(spans[0], span), "{span:?}");
                assert!(span.thread < threads);
            }
        }
    }
}

#[test]
fn spans_of_a_thread_follow_one_another() {
    let profile = profile(2, 2, 2);
    for thread in 0..2 {
        let inner = |s: &&Span| s.thread == thread && s.phase != Phase::Step;
        let spans: Vec<_> = profile.spans().iter().filter(inner).collect();
        for pair in spans.windows(2) {
            assert!(pair[0].end <= pair[1].start, "{pair:?}");
        }
    }
}

#[test]
fn who_helps_with_a_batch_does_so_while_thread_0_is_at_it() {
    let profile = profile(3, 20, 20);
    let whole = |s: &&Span| s.image.is_none() && s.phase != Phase::Step;
    let (handed_out, helped): (Vec<&Span>, Vec<&Span>) =
        profile.spans().iter().filter(whole).partition(|s| s.thread == 0);
    for span in helped {
        let same = |s: &&&Span| s.step == span.step && s.part == span.part && s.phase == span.phase;
        assert!(handed_out.iter().filter(same).any(|s| contains(s, span)), "{span:?}");
        assert_eq!(span.made, 0);
    }
}

#[test]
fn parts_bear_the_layers_names() {
    let profile = profile(1, 1, 0);
    let names = |phase| profile.parts().iter().map(|p| p.layers(phase).join("+")).collect();
    let (forward, backward): (Vec<_>, Vec<_>) = (names(Phase::Forward), names(Phase::Backward));
    let block = "conv2d_1+max_pooling2d";
    for (index, layers) in [(0, ""), (1, "conv2d"), (3, block), (6, "dropout"), (7, "dense")] {
        assert_eq!(forward[index], layers);
    }
    assert_eq!(backward[3], "conv2d_1+max_pooling2d+dropout");
    assert_eq!(*forward.last().unwrap(), "dense_1", "the softmax is the loss's");
}

#[test]
fn every_image_passes_every_part_once() {
    let profile = profile(2, 1, 1);
    let images = |part, phase| {
        let spans = profile.spans().iter().filter(|s| s.part == part && s.phase == phase);
        let spans = spans.filter(|s| s.image.is_some() || s.thread == 0);
        let mut images: Vec<_> = spans.map(|s| s.image).collect();
        images.sort_unstable();
        images
    };
    let (all, whole): (Vec<_>, _) = ((0..BATCH).map(Some).collect(), [None]);
    // The input, the two blocks and dropout; the activation of the first dense layer.
    for part in [0, 1, 3, 6, 8] {
        assert_eq!(images(Some(part), Phase::Forward), all, "{part}");
    }
    for part in [1, 3, 8] {
        assert_eq!(images(Some(part), Phase::Backward), all, "{part}");
    }
    for part in [1, 3] {
        let packed = images(Some(part), Phase::Pack);
        assert!((1..=2).contains(&packed.len()), "once by each thread that has images: {packed:?}");
    }
    for (part, phase) in [
        (Some(7), Phase::Forward),
        (Some(9), Phase::BackwardUpdate),
        (None, Phase::Update),
        (None, Phase::Step),
    ] {
        assert_eq!(images(part, phase), whole, "{part:?} {phase:?}");
    }
    let sums: Vec<_> = whole.into_iter().chain(all.iter().copied()).collect();
    assert_eq!(images(None, Phase::Sum), sums, "set to zero for each image, and added up");
    // The loss, both ways.
    assert_eq!(images(None, Phase::Forward), all);
    assert_eq!(images(None, Phase::Backward), all);
}

#[test]
fn totals_are_the_sums_of_the_spans() {
    let profile = profile(2, 3, 3);
    for part in (0..profile.parts().len()).map(Some).chain([None]) {
        for phase in Phase::ALL {
            let spans = profile.spans().iter().filter(|s| s.part == part && s.phase == phase);
            let spans = spans.filter(|s| s.image.is_some() || s.thread == 0);
            let times = |s: &Span| (s.end - s.start) * if s.image.is_some() { 1 } else { 2 };
            let total = profile.total(part, phase);
            assert_eq!(total.calls, spans.clone().count() as u64);
            assert_eq!(total.time, spans.clone().map(times).sum());
            assert_eq!(total.made, spans.map(|s| s.made).sum::<u64>());
        }
    }
}

#[test]
fn work_is_that_of_the_definition() {
    let profile = profile(1, 2, 0);
    let work = |part, phase| profile.total(Some(part), phase).multiply_adds / (2 * BATCH as u64);
    let first = 8 * 8 * 9 * 3 * 4;
    assert_eq!(work(1, Phase::Forward), first);
    assert_eq!(work(1, Phase::Backward), first, "nobody wants the gradient of the pixels");
    assert_eq!(work(3, Phase::Forward), 8 * 8 * 9 * 4 * 6);
    assert_eq!(work(3, Phase::Backward), 2 * 8 * 8 * 9 * 4 * 6);
    assert_eq!(work(7, Phase::Forward), 96 * 7);
    assert_eq!(work(7, Phase::BackwardUpdate), 2 * 96 * 7);
}

#[test]
fn what_is_no_training_step_is_not_noted() {
    let mut engine = engine(2);
    engine.start_profile(9);
    let d = &mut Dice::new(901, 0);
    let (pixels, labels) = (d.bytes(BATCH * 8 * 8 * 3), d.labels(BATCH, 3));
    engine.evaluate(&pixels, &labels).unwrap();
    engine.gradients_of(&pixels, &labels).unwrap();
    engine.predict(&pixels, BATCH, &mut Vec::new()).unwrap();
    let profile = engine.profile().unwrap();
    assert!(profile.spans().is_empty() && profile.steps() == 0);
    train(&mut engine, 1);
    assert_eq!(engine.profile().unwrap().total(None, Phase::Step).calls, 1);
}

#[test]
fn the_lines_of_the_table_add_up_to_the_steps() {
    for threads in [1, 2] {
        let profile = profile(threads, 3, 0);
        let (rows, step) = (profile.rows(), profile.step_total());
        assert_eq!(rows.iter().map(|row| row.total.time).sum::<Duration>(), step.time);
        let sum = |part: fn(&Row) -> u64| rows.iter().map(part).sum::<u64>();
        assert_eq!(sum(|row| row.total.multiply_adds), step.multiply_adds);
        assert_eq!(sum(|row| row.total.made), step.made);
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        let (first, block) = (["conv2d"; 3], ["conv2d_1 +1", "conv2d_1 +2", "conv2d_1"]);
        assert_eq!((names[0], &names[1..4], &names[4..7]), ("input", &first[..], &block[..]));
        assert_eq!(names[names.len() - 3..], ["gradients", "parameters", "waiting and rest"]);
    }
}

#[test]
fn a_table_fits_80_columns() {
    let table = profile(1, 2, 0).to_string();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{table}");
    assert!(lines[0].starts_with("layer ") && lines[0].ends_with(" made"), "{table}");
    assert!(lines.last().unwrap().starts_with("step "), "{table}");
}

#[test]
fn a_trace_has_a_track_for_each_thread_and_the_layers_names() {
    let profile = profile(2, 3, 2);
    let trace: Value = serde_json::from_str(&profile.chrome_trace()).unwrap();
    assert_eq!(trace["otherData"]["traced_steps"], 2);
    let events = trace["traceEvents"].as_array().unwrap();
    let (names, spans) = events.split_at(2);
    for (thread, name) in names.iter().enumerate() {
        assert_eq!((&name["ph"], &name["tid"]), (&"M".into(), &thread.into()));
        assert_eq!(name["args"]["name"], format!("thread {thread}"));
    }
    assert_eq!(spans.len(), profile.spans().len());
    for (event, span) in spans.iter().zip(profile.spans()) {
        assert_eq!((&event["ph"], &event["tid"]), (&"X".into(), &span.thread.into()));
        let [start, length] = ["ts", "dur"].map(|key| event[key].as_f64().unwrap());
        assert!((start / 1e6 - span.start.as_secs_f64()).abs() < 1e-9);
        assert!((length / 1e6 - (span.end - span.start).as_secs_f64()).abs() < 1e-9);
    }
    let block = |e: &&Value| e["name"] == "conv2d_1 + max_pooling2d + dropout backward";
    assert_eq!(spans.iter().filter(block).count(), 2 * BATCH);
}
