//! Where a training step's time goes: each thread notes what it does from when to when
//! ([`clock`]), and [`Profile`] adds it up after the step. [`table`] and [`trace`] show it.

mod clock;
mod table;
mod trace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lenslet_kernels::Kernels;
use lenslet_model::Network;

use crate::cpu::Cpu;
use crate::program::{Op, Program};
pub(crate) use clock::{Clock, Notes};
use clock::{Note, Shifts};
pub use table::Row;

/// What is done in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The whole step: all other spans lie inside one of these.
    Step,
    /// Filters are laid out as the convolutions like them.
    Pack,
    /// The layers' output.
    Forward,
    /// The gradients of their parameters and input.
    Backward,
    /// The same, and the optimiser's rule for their weights at once.
    BackwardUpdate,
    /// The gradients of all images are added up; before that, each group of images' sums are set to
    /// zero.
    Sum,
    /// The optimiser's rule for all parameters that it has not changed yet.
    Update,
}

impl Phase {
    /// All of them, in the order of a step.
    pub const ALL: [Self; 7] = [
        Self::Step,
        Self::Pack,
        Self::Forward,
        Self::Backward,
        Self::BackwardUpdate,
        Self::Sum,
        Self::Update,
    ];

    /// What tables and traces call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Pack => "pack",
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::BackwardUpdate => "back+update",
            Self::Sum => "sum",
            Self::Update => "update",
        }
    }
}

/// Layers that run as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    forward: Fused,
    backward: Fused,
}

/// What one pass does for a [`Part`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fused {
    /// Names, in the order of the network.
    layers: Vec<String>,
    multiply_adds: u64,
}

impl Part {
    /// The names of the layers, those that are fused in this phase included; none for what reads
    /// the image.
    pub fn layers(&self, phase: Phase) -> &[String] {
        let layers = &self.pass(phase).layers;
        if phase == Phase::Pack { &layers[..layers.len().min(1)] } else { layers }
    }

    /// Multiply-adds that the layers' definition asks for in this phase, for one image.
    pub fn multiply_adds(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Forward | Phase::Backward | Phase::BackwardUpdate => {
                self.pass(phase).multiply_adds
            }
            _ => 0,
        }
    }

    fn pass(&self, phase: Phase) -> &Fused {
        match phase {
            Phase::Backward | Phase::BackwardUpdate => &self.backward,
            _ => &self.forward,
        }
    }
}

/// What one thread did in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The training step, from 0 on.
    pub step: usize,
    /// The thread, from 0 on. Work on a whole batch is shared out between all threads: there is a
    /// span of thread 0, which hands it out and waits for its end, and one of every other thread
    /// that took some of it.
    pub thread: usize,
    /// Index into [`Profile::parts`]; `None` for what is no layer's: the step, the loss, the sums
    /// of gradients, the update.
    pub part: Option<usize>,
    /// What was done.
    pub phase: Phase,
    /// The image of the batch, or the first of its group; `None` for work on the whole batch.
    pub image: Option<usize>,
    /// When it began, since the profile did.
    pub start: Duration,
    /// When it ended.
    pub end: Duration,
    /// Multiply-adds that were really made, counted as in
    /// [`Conv2dKernel::forward_made`](lenslet_kernels::Conv2dKernel::forward_made); those of all
    /// threads are thread 0's.
    pub made: u64,
}

/// A sum over spans of the same part and phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Number of spans.
    pub calls: u64,
    /// Their length on all threads together: while a whole batch is worked on, all are at it.
    pub time: Duration,
    /// Multiply-adds of the definition.
    pub multiply_adds: u64,
    /// Multiply-adds that were really made: fewer where zeros were skipped or Winograd's algorithm
    /// did the work, more where channels do not fill the vectors.
    pub made: u64,
}

/// Where the time of some training steps went.
#[derive(Clone, Debug)]
pub struct Profile {
    start: Instant,
    threads: usize,
    parts: Vec<Part>,
    /// Of each part, and last of what is no part's, a total for each phase.
    totals: Vec<[Total; Phase::ALL.len()]>,
    steps: usize,
    samples: usize,
    spans: Vec<Span>,
    /// Steps whose spans are kept.
    traced: usize,
    /// When the threads are at work, in these steps.
    shifts: Option<Arc<Shifts>>,
}

/// The most spans that are kept, but for those of the first step.
const MOST_SPANS: usize = 200_000;

impl Profile {
    /// Threads that worked.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Training steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Samples in these steps.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// What the network's layers were fused to, in their order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// All that was done in a phase for a part, or for what is no part's.
    pub fn total(&self, part: Option<usize>, phase: Phase) -> Total {
        self.totals[part.unwrap_or(self.parts.len())][phase as usize]
    }

    /// Every single span of the first steps, in the order of their beginning; of spans that begin
    /// together the longest first.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// How many steps [`Self::spans`] tells of: as many as were asked for, fewer where there are
    /// very many spans in a step.
    pub fn traced_steps(&self) -> usize {
        self.spans.last().map_or(0, |span| span.step + 1)
    }

    fn new<K: Kernels>(engine: &Cpu<K>, traced: usize) -> Self {
        let (count, start) = (engine.program.steps.len(), Instant::now());
        Self {
            start,
            threads: engine.threads(),
            parts: (0..count).map(|i| part(&engine.network, &engine.program, i)).collect(),
            totals: vec![Default::default(); count + 1],
            steps: 0,
            samples: 0,
            spans: Vec::new(),
            traced,
            shifts: (traced > 0).then(|| Arc::new(Shifts::new(start, engine.threads()))),
        }
    }

    /// Adds up what the threads noted in a step, and empties their notes.
    fn absorb<'a>(&mut self, samples: usize, notes: impl Iterator<Item = (usize, &'a mut Notes)>) {
        let first = self.spans.len();
        for (thread, Notes { all: notes, .. }) in notes {
            if self.steps < self.traced {
                notes.iter().for_each(|note| self.trace(note, thread));
            }
            for note in notes.drain(..) {
                self.count(&note, samples);
            }
        }
        self.spans[first..].sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        if first > 0 && self.spans.len() > MOST_SPANS {
            self.spans.truncate(first);
            self.traced = self.steps;
        }
        self.steps += 1;
        match &self.shifts {
            Some(shifts) if self.steps < self.traced => shifts.clear(),
            _ => self.shifts = None,
        }
        self.samples += samples;
    }

    /// Keeps a span of `thread` and, of work on a whole batch, those of the others.
    fn trace(&mut self, note: &Note, thread: usize) {
        self.spans.push(note.span(self.steps, thread));
        let shared = note.shared && note.phase != Phase::Step;
        let Some(shifts) = self.shifts.as_ref().filter(|_| shared) else { return };
        for helper in 1..self.threads {
            if let Some((start, end)) = shifts.between(helper, note.start, note.end) {
                let span = note.span(self.steps, helper);
                self.spans.push(Span { start, end, made: 0, ..span });
            }
        }
    }

    fn count(&mut self, note: &Note, samples: usize) {
        let (at, each) = match note.part {
            Some(part) => (part, self.parts[part].multiply_adds(note.phase)),
            None => (self.parts.len(), 0),
        };
        let threads = if note.shared { self.threads as u32 } else { 1 };
        let images = note.image.map_or(samples as u64, |_| 1);
        let total = &mut self.totals[at][note.phase as usize];
        total.calls += 1;
        total.time += (note.end - note.start) * threads;
        total.multiply_adds += each * images;
        total.made += note.made;
    }
}

/// The layers of a step of the program, and what runs with it.
fn part<K: Kernels>(network: &Network, program: &Program<K>, i: usize) -> Part {
    let step = &program.steps[i];
    let (mut ends, mut forward) = ((i + 1, i + 1), 0);
    match &step.op {
        Op::Conv2d { kernel, .. } => {
            forward = kernel.multiply_adds();
        }
        Op::Depthwise { shape, .. } => {
            let window = &shape.window;
            let taps = window.height.window * window.width.window;
            forward = (shape.output_len() * taps) as u64;
        }
        Op::Dense { weights, .. } => forward = weights.kernel.len() as u64,
        _ => {}
    }
    if let Some(block) = program.blocks[i] {
        ends = (block.end(i), block.backward_end(i));
    }
    let layers = |end: usize| {
        let mut layers: Vec<_> = program.nodes[i..end].iter().flatten().collect();
        layers.dedup();
        layers.iter().map(|&&node| network.nodes()[node].name.clone()).collect()
    };
    let gradients = if program.wanted[step.input] { 2 } else { 1 };
    let fused = |end, multiply_adds| Fused { layers: layers(end), multiply_adds };
    Part { forward: fused(ends.0, forward), backward: fused(ends.1, gradients * forward) }
}
