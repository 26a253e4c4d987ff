//! The engine on the CPU.

use lenslet_kernels::{Conv2dKernel, Fast, Isa, Kernels, Real, Team};
use lenslet_model::{Loss, LossFunction, Network, Optimizer, Parameter, Regularizer, Shape};

use crate::EngineError;
use crate::initialize::initialize;
use crate::memory::{Buffer, buffer};
use crate::norm::NormNumbers;
use crate::not_finite::{self, NotFinite};
use crate::plan::{Apart, Mode, Plan};
use crate::profile::{Clock, Notes, Phase, Profile};
use crate::program::{Op, Program};
use crate::state::{State, as_f32};
use crate::targets::Targets;
use crate::update::{Next, Updater};

/// What runs a network: this CPU's engine, and whatever else can take its place.
pub trait Engine {
    /// The network that it runs.
    fn network(&self) -> &Network;
    /// One step of training on a batch: `pixels` holds one sample after the other, a byte per
    /// number. Returns the loss and accuracy *before* the update.
    ///
    /// # Errors
    /// Where the bytes or targets do not fit the network or the loss; nothing is changed then.
    fn train_on(&mut self, pixels: &[u8], targets: Targets<'_>) -> Result<Tally, EngineError>;
    /// Loss and accuracy on a batch, without dropout and without learning.
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn evaluate_on(&mut self, pixels: &[u8], targets: Targets<'_>) -> Result<Tally, EngineError>;
    /// [`Self::train_on`] with the true class of every sample.
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn train_step(&mut self, pixels: &[u8], labels: &[u32]) -> Result<Tally, EngineError> {
        self.train_on(pixels, Targets::Labels(labels))
    }
    /// [`Self::evaluate_on`] with the true class of every sample.
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn evaluate(&mut self, pixels: &[u8], labels: &[u32]) -> Result<Tally, EngineError> {
        self.evaluate_on(pixels, Targets::Labels(labels))
    }
    /// Writes the outputs (usually class probabilities) of `samples` samples to `outputs`, one
    /// row after the other.
    ///
    /// # Errors
    /// Where the bytes do not fit the network.
    fn predict(
        &mut self,
        pixels: &[u8],
        samples: usize,
        outputs: &mut Vec<f32>,
    ) -> Result<(), EngineError>;
    /// Ends a training: where the optimiser averages parameters, the average takes their place.
    fn finish(&mut self);
    /// The learning rate of the next step.
    fn learning_rate(&self) -> f64;
    /// Multiplies the learning rates of all further steps.
    fn scale_learning_rate(&mut self, factor: f64);
    /// Whether, as far as is known, all parameters are finite; costs nothing.
    fn all_finite(&self) -> bool;
    /// The first layer, in the order of the network, whose parameters or gradients (those that the
    /// last step kept) are not finite. Looks at every number.
    fn not_finite(&self) -> Option<NotFinite>;
    /// All that training changes.
    fn state(&self) -> State;
    /// The flat parameter buffer: what of the state is needed to predict.
    fn weights(&self) -> Vec<f32> {
        self.state().parameters
    }
    /// Goes on from a state of the same network and optimiser.
    ///
    /// # Errors
    /// Where the state does not fit.
    fn load_state(&mut self, state: &State) -> Result<(), EngineError>;
    /// From here on training steps are timed, part by part; of the first `traced` steps every
    /// single span is kept. What was measured before is dropped. An engine that cannot tell
    /// ignores it.
    fn start_profile(&mut self, _traced: usize) {}
    /// What was measured since [`Self::start_profile`]; `None` before, or where the engine cannot
    /// tell.
    fn profile(&self) -> Option<&Profile> {
        None
    }
    /// Ends the measuring; returns what was measured.
    fn take_profile(&mut self) -> Option<Profile> {
        None
    }
}

/// Sums over the samples of one or more batches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Sum of the samples' losses.
    pub loss: f64,
    /// Samples whose largest output is the true class's. Where each output is a probability by
    /// itself and has a target of its own, shares of the outputs on the right side of one half.
    pub correct: f64,
    /// Number of samples.
    pub samples: usize,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.samples += other.samples;
    }

    /// Loss per sample; NaN where there is none.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.samples as f64
    }

    /// Share of samples that are right; NaN where there is none.
    pub fn accuracy(&self) -> f64 {
        self.correct / self.samples as f64
    }
}

/// How a [`Cpu`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads; 0 for as many as the machine has cores. The results do not depend on it.
    pub threads: usize,
    /// Instruction set; `None` for the best that this CPU has.
    pub isa: Option<Isa>,
    /// What initial weights and dropout grow from.
    pub seed: u64,
    /// Every multiplication of the definition: no algorithm that rounds differently to be faster
    /// (Winograd's convolution). No by default.
    pub exact: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, isa: None, seed: 42, exact: false }
    }
}

/// What one image's turn leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) loss: f64,
    pub(crate) correct: f64,
}

/// One thread's working memory.
pub(crate) struct Local<R> {
    pub(crate) numbers: Buffer<R>,
    pub(crate) indices: Buffer<u32>,
    pub(crate) notes: Notes,
}

/// A plan and the memory that it lays out.
pub(crate) struct Workspace<R> {
    pub(crate) plan: Plan,
    pub(crate) images: Buffer<R>,
    pub(crate) indices: Buffer<u32>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) locals: Vec<Local<R>>,
    /// Weight gradients of each task, before they are added up.
    pub(crate) parts: Buffer<R>,
    /// Their sum, where it is going to several places.
    pub(crate) total: Buffer<R>,
}

/// The numbers that make up a network in training, each one flat buffer.
pub(crate) struct Numbers<R> {
    pub(crate) parameters: Buffer<R>,
    /// How many of them are trained; they come first.
    pub(crate) trained: usize,
    /// Empty before the first step of training.
    pub(crate) gradients: Buffer<R>,
    /// The optimiser's, see [`Optimizer::moments`]. Empty before the first step.
    pub(crate) moments: Vec<Buffer<R>>,
    /// Filters in the convolution kernels' own layouts.
    pub(crate) packed: Vec<Buffer<R>>,
    /// What `packed` follows `parameters` for.
    pub(crate) packed_for: Option<Mode>,
    /// Of each batch normalisation.
    pub(crate) norms: Vec<NormNumbers<R>>,
    /// Room for filters with a normalisation multiplied in.
    pub(crate) folded: Buffer<R>,
    /// Whether all parameters are finite, where that is known.
    pub(crate) finite: Option<bool>,
    /// Steps taken.
    pub(crate) steps: u64,
    /// What learning rates are multiplied by.
    pub(crate) rate_scale: f64,
}

impl<R: Real> Numbers<R> {
    /// Makes room for what only training needs.
    pub(crate) fn prepare_training(&mut self, optimizer: &Optimizer) {
        let missing = |numbers: &Buffer<R>| numbers.len() < self.trained;
        if !missing(&self.gradients) && !self.moments.iter().any(missing) {
            return;
        }
        if self.gradients.len() < self.trained {
            self.gradients = buffer(self.trained);
        }
        for (numbers, moment) in self.moments.iter_mut().zip(optimizer.moments()) {
            if numbers.len() < self.trained {
                *numbers = buffer(self.trained);
                numbers.fill(R::from_f64(moment.initial));
            }
        }
    }

    /// The parameters are not what they were.
    pub(crate) fn changed(&mut self) {
        self.packed_for = None;
        self.finite = None;
    }
}

/// A network in training on this CPU.
///
/// Generic over the kernels: with [`Fast`] it is the engine that everybody uses; with
/// `Reference<f64>` it is the oracle that it is tested against.
pub struct Cpu<K: Kernels = Fast> {
    pub(crate) kernels: K,
    pub(crate) team: Team,
    pub(crate) network: Network,
    pub(crate) updater: Updater<K::Real>,
    loss: LossFunction,
    pub(crate) seed: u64,
    /// For training.
    pub(crate) program: Program<K>,
    /// For prediction.
    pub(crate) predictor: Program<K>,
    pub(crate) numbers: Numbers<K::Real>,
    pub(crate) training: Option<Workspace<K::Real>>,
    prediction: Option<Workspace<K::Real>>,
    /// Runs during a training step that is to be timed.
    pub(crate) clock: Clock,
    /// What is done with the whole batch.
    pub(crate) notes: Notes,
    pub(crate) profile: Option<Profile>,
}

impl Cpu<Fast> {
    /// Prepares a network for training or prediction, with freshly drawn weights.
    ///
    /// # Errors
    /// Where the optimiser's or the loss's settings cannot train.
    pub fn new(
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        options: Options,
    ) -> Result<Self, EngineError> {
        Self::with_kernels(kernels(options), network, loss, optimizer, options)
    }

    /// As [`Cpu::new`], with all parameters zero: [`Self::parameters_mut`] takes those that were
    /// learnt before.
    ///
    /// # Errors
    /// As [`Cpu::new`].
    pub fn blank(
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        options: Options,
    ) -> Result<Self, EngineError> {
        let parameters = buffer(network.parameter_count());
        Self::with_parameters(kernels(options), network, parameters, loss, optimizer, options)
    }
}

fn kernels(options: Options) -> Fast {
    let isa = options.isa.unwrap_or_else(Isa::detect);
    if options.exact { Fast::exact(isa) } else { Fast::new(isa) }
}

impl<K: Kernels> Cpu<K> {
    /// As [`Cpu::new`], with kernels of the caller's choice.
    ///
    /// # Errors
    /// Where the optimiser's or the loss's settings cannot train.
    pub fn with_kernels(
        kernels: K,
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        options: Options,
    ) -> Result<Self, EngineError> {
        let mut parameters = buffer(network.parameter_count());
        initialize(&network, options.seed, &mut parameters);
        Self::with_parameters(kernels, network, parameters, loss, optimizer, options)
    }

    fn with_parameters(
        kernels: K,
        network: Network,
        parameters: Buffer<K::Real>,
        loss: Loss,
        optimizer: Optimizer,
        options: Options,
    ) -> Result<Self, EngineError> {
        optimizer.check_with(&network)?;
        loss.check(network.output().elements())?;
        let program = Program::new(&kernels, &network, &loss, Mode::Train)?;
        let predictor = Program::new(&kernels, &network, &loss, Mode::Predict)?;
        let numbers = Numbers {
            parameters,
            trained: network.trainable_count(),
            gradients: buffer(0),
            moments: optimizer.moments().iter().map(|_| buffer(0)).collect(),
            packed: program.packed_lens.iter().map(|&len| buffer(len)).collect(),
            packed_for: None,
            norms: program.norms.iter().map(NormNumbers::new).collect(),
            folded: buffer(largest_folded(&predictor)),
            finite: None,
            steps: 0,
            rate_scale: 1.0,
        };
        let updater = Updater::new(&network, &program, optimizer);
        Ok(Self {
            kernels,
            team: Team::new(options.threads),
            network,
            updater,
            loss: loss.function,
            seed: options.seed,
            program,
            predictor,
            numbers,
            training: None,
            prediction: None,
            clock: Clock::default(),
            notes: Notes::default(),
            profile: None,
        })
    }

    /// The flat parameter buffer; [`Network::parameters`] says what lies where.
    pub fn parameters(&self) -> &[K::Real] {
        &self.numbers.parameters
    }

    /// The flat parameter buffer, to write.
    pub fn parameters_mut(&mut self) -> &mut [K::Real] {
        self.numbers.changed();
        &mut self.numbers.parameters
    }

    /// The gradients that [`Self::gradients_of`] found, laid out as the parameters. A training step
    /// does not keep all of them: those of dense layers go straight into the update. Empty before
    /// both.
    pub fn gradients(&self) -> &[K::Real] {
        &self.numbers.gradients
    }

    /// One step of the optimiser with these gradients, laid out as the trainable parameters, in place of a
    /// batch's own: what several engines found together, for example.
    ///
    /// # Panics
    /// Where there are not as many gradients as trainable parameters.
    pub fn apply_gradients(&mut self, gradients: &[K::Real]) {
        self.numbers.prepare_training(&self.updater.optimizer);
        self.numbers.gradients.copy_from_slice(gradients);
        let next = self.updater.next(&self.numbers);
        self.update(next, true);
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// Loss, accuracy and gradients of one batch, without an update.
    ///
    /// # Errors
    /// As [`Engine::train_step`].
    pub fn gradients_of(&mut self, pixels: &[u8], labels: &[u32]) -> Result<Tally, EngineError> {
        self.gradients_on(pixels, Targets::Labels(labels))
    }

    /// The same with other targets than classes.
    ///
    /// # Errors
    /// As [`Engine::train_on`].
    pub fn gradients_on(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
    ) -> Result<Tally, EngineError> {
        self.check(pixels, targets)?;
        Ok(self.forward_and_back(pixels, targets, None))
    }

    fn forward_and_back(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
        next: Option<Next>,
    ) -> Tally {
        self.numbers.prepare_training(&self.updater.optimizer);
        self.pack(Mode::Train);
        let mut workspace = self.workspace(Mode::Train, targets.samples());
        let tally = self.forward(&mut workspace, Mode::Train, pixels, Some(targets));
        self.backward(&mut workspace, targets, next);
        self.training = Some(workspace);
        tally
    }

    fn check(&self, pixels: &[u8], targets: Targets<'_>) -> Result<(), EngineError> {
        self.check_pixels(pixels, targets.samples())?;
        targets.check(self.network.output().elements(), self.loss)
    }

    fn check_pixels(&self, pixels: &[u8], samples: usize) -> Result<(), EngineError> {
        let expected = self.network.input().elements();
        if expected.checked_mul(samples) == Some(pixels.len()) {
            return Ok(());
        }
        Err(EngineError::InputSize { expected, samples, bytes: pixels.len() })
    }

    /// Lays the filters out as the kernels like them, where they changed. For prediction with the
    /// normalisations behind them multiplied in.
    fn pack(&mut self, mode: Mode) {
        // No way out within a piece: that can be vectors.
        let all_finite = |piece: &[K::Real]| piece.iter().fold(true, |all, p| all & p.is_finite());
        let finite = || self.numbers.parameters.chunks(4096).all(all_finite);
        self.numbers.finite = Some(self.numbers.finite.unwrap_or_else(finite));
        let fresh = self.numbers.packed_for;
        if fresh == Some(mode) || (fresh == Some(Mode::Train) && self.predictor.norms.is_empty()) {
            return;
        }
        let program = match mode {
            Mode::Train => &self.program,
            Mode::Predict => &self.predictor,
        };
        let Numbers { parameters, packed, norms, folded, .. } = &mut self.numbers;
        if mode == Mode::Predict {
            for (norm, numbers) in program.norms.iter().zip(&mut *norms) {
                numbers.freeze(norm, parameters);
            }
        }
        for (i, step) in program.steps.iter().enumerate() {
            let (weights, to, fold) = match &step.op {
                Op::Conv2d { weights, packed, folded, .. }
                | Op::Depthwise { weights, packed, folded, .. } => (weights, *packed, *folded),
                _ => continue,
            };
            let start = self.clock.now();
            let (mut filters, bias) = weights.of(parameters);
            if let Some(norm) = fold {
                let folded = &mut folded[..filters.len()];
                norms[norm].fold(&self.kernels, filters, bias, folded);
                filters = folded;
            }
            match &step.op {
                Op::Conv2d { kernel, .. } => {
                    kernel.pack(&self.team, filters, &mut packed[to], mode == Mode::Train);
                }
                _ => packed[to].copy_from_slice(filters),
            }
            self.notes.add(self.clock, start, Some(i), Phase::Pack, None);
        }
        self.numbers.packed_for = Some(mode);
    }

    /// What the penalties on parameters add to a sample's loss.
    pub(crate) fn penalties(&self) -> f64 {
        let penalised = self.network.parameters().iter().filter(|p| !p.regularizer.is_none());
        let one = |p: &Parameter| {
            let Regularizer { l1, l2 } = p.regularizer;
            self.kernels.penalty(l1, l2, &self.numbers.parameters[p.range.clone()])
        };
        penalised.map(one).sum()
    }

    /// Adds the gradients of the penalties on parameters.
    pub(crate) fn penalise(&mut self) {
        let Numbers { parameters, gradients, .. } = &mut self.numbers;
        for p in self.network.parameters().iter().filter(|p| !p.regularizer.is_none()) {
            let (Regularizer { l1, l2 }, range) = (p.regularizer, p.range.clone());
            let gradients = &mut gradients[range.clone()];
            self.kernels.penalty_backward(l1, l2, 1.0, &parameters[range], gradients);
        }
    }

    /// Lets the moving statistics follow the last batch's.
    fn follow(&mut self) {
        let Numbers { parameters, norms, .. } = &mut self.numbers;
        for (norm, numbers) in self.program.norms.iter().zip(norms) {
            numbers.follow(norm, parameters);
        }
    }

    /// Memory for a batch of this size, the last one's where it is large enough.
    fn workspace(&mut self, mode: Mode, batch: usize) -> Workspace<K::Real> {
        let last = match mode {
            Mode::Train => self.training.take(),
            Mode::Predict => self.prediction.take(),
        };
        match last {
            Some(workspace) if workspace.plan.batch >= batch => workspace,
            _ => self.new_workspace(mode, batch),
        }
    }

    fn new_workspace(&self, mode: Mode, batch: usize) -> Workspace<K::Real> {
        let program = match mode {
            Mode::Train => &self.program,
            Mode::Predict => &self.predictor,
        };
        let plan = Plan::new(program, batch, mode);
        let apart = plan.apart.iter().map(Apart::len).max().unwrap_or(0);
        let several = plan.apart.iter().any(|apart| apart.stretches.len() > 1);
        let local = || Local {
            numbers: buffer(plan.local_len),
            indices: buffer(plan.local_index_len),
            notes: self.room_for_notes(batch),
        };
        Workspace {
            images: buffer(batch * plan.stride),
            indices: buffer(batch * plan.index_stride),
            outcomes: vec![Outcome::default(); batch],
            locals: (0..self.team.threads()).map(|_| local()).collect(),
            parts: buffer(if mode == Mode::Train { plan.tasks() * apart } else { 0 }),
            total: buffer(if mode == Mode::Train && several { apart } else { 0 }),
            plan,
        }
    }

    fn outputs_of(&self, workspace: &Workspace<K::Real>, samples: usize, outputs: &mut Vec<f32>) {
        let place = workspace.plan.values[self.predictor.last()];
        outputs.clear();
        for image in workspace.images.chunks_exact(workspace.plan.stride).take(samples) {
            outputs.extend(image[place.range()].iter().map(|&y| y.to_f64() as f32));
        }
    }
}

/// Elements of the largest filters that a normalisation is multiplied into.
fn largest_folded<K: Kernels>(predictor: &Program<K>) -> usize {
    let filters = predictor.steps.iter().filter_map(|step| match &step.op {
        Op::Conv2d { weights, folded: Some(_), .. }
        | Op::Depthwise { weights, folded: Some(_), .. } => Some(weights.kernel.len()),
        _ => None,
    });
    filters.max().unwrap_or(0)
}

impl<K: Kernels> Engine for Cpu<K> {
    fn network(&self) -> &Network {
        &self.network
    }

    fn train_on(&mut self, pixels: &[u8], targets: Targets<'_>) -> Result<Tally, EngineError> {
        self.check(pixels, targets)?;
        if targets.samples() == 0 {
            return Ok(Tally::default());
        }
        let start = self.begin_step();
        let next = self.updater.next(&self.numbers);
        let tally = self.forward_and_back(pixels, targets, Some(next));
        self.update(next, false);
        self.follow();
        self.end_step(start, targets.samples());
        Ok(tally)
    }

    fn evaluate_on(&mut self, pixels: &[u8], targets: Targets<'_>) -> Result<Tally, EngineError> {
        self.check(pixels, targets)?;
        self.pack(Mode::Predict);
        let mut workspace = self.workspace(Mode::Predict, targets.samples());
        let tally = self.forward(&mut workspace, Mode::Predict, pixels, Some(targets));
        self.prediction = Some(workspace);
        Ok(tally)
    }

    fn predict(
        &mut self,
        pixels: &[u8],
        samples: usize,
        outputs: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        self.check_pixels(pixels, samples)?;
        self.pack(Mode::Predict);
        let mut workspace = self.workspace(Mode::Predict, samples);
        self.forward(&mut workspace, Mode::Predict, pixels, None);
        self.outputs_of(&workspace, samples, outputs);
        self.prediction = Some(workspace);
        Ok(())
    }

    fn finish(&mut self) {
        self.take_average();
    }

    fn learning_rate(&self) -> f64 {
        self.updater.learning_rate(&self.numbers)
    }

    fn scale_learning_rate(&mut self, factor: f64) {
        self.numbers.rate_scale *= factor;
    }

    fn all_finite(&self) -> bool {
        self.numbers.finite != Some(false)
    }

    fn not_finite(&self) -> Option<NotFinite> {
        not_finite::first(&self.network, &self.numbers)
    }

    fn state(&self) -> State {
        State::of(&self.numbers)
    }

    fn weights(&self) -> Vec<f32> {
        as_f32(&self.numbers.parameters)
    }

    fn load_state(&mut self, state: &State) -> Result<(), EngineError> {
        state.load_into(&mut self.numbers, &self.updater.optimizer)
    }

    fn start_profile(&mut self, traced: usize) {
        self.begin_profile(traced);
    }

    fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    fn take_profile(&mut self) -> Option<Profile> {
        self.profile.take()
    }
}

impl<K: Kernels> std::fmt::Debug for Cpu<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: &Shape = self.network.input();
        write!(f, "Cpu({}, {shape}, {} threads)", self.network.name(), self.threads())
    }
}
