//! The engine on the CPU.

use lenslet_kernels::{Fast, Kernels, Team};
use lenslet_model::{Loss, LossFunction, MeanSquaredError, Network, Optimizer, SGD, Shape};

use crate::EngineError;
use crate::initialize::initialize;
use crate::memory::{Buffer, buffer};
use crate::norm::NormNumbers;
use crate::numbers::Numbers;
use crate::options::Options;
use crate::pack::largest_folded;
use crate::plan::Mode;
use crate::profile::{Clock, Notes, Profile};
use crate::program::Program;
use crate::update::Updater;
use crate::workspace::Workspace;

/// A network in training on this CPU.
///
/// Generic over the kernels: with [`Fast`] it is the engine that everybody uses; with
/// `Reference<f64>` it is the oracle that it is tested against.
pub struct Cpu<K: Kernels = Fast> {
    pub(crate) kernels: K,
    pub(crate) team: Team,
    pub(crate) network: Network,
    pub(crate) updater: Updater<K::Real>,
    pub(crate) loss: LossFunction,
    pub(crate) seed: u64,
    /// For training.
    pub(crate) program: Program<K>,
    /// For prediction.
    pub(crate) predictor: Program<K>,
    pub(crate) numbers: Numbers<K::Real>,
    pub(crate) training: Option<Workspace<K::Real>>,
    pub(crate) prediction: Option<Workspace<K::Real>>,
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
        Self::with_kernels(options.kernels(), network, loss, optimizer, options)
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
        Self::with_parameters(options.kernels(), network, parameters, loss, optimizer, options)
    }
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

    /// The same kernels and parameters for the part of the network that gives this node's result.
    pub(crate) fn part(&self, node: usize) -> Result<Self, EngineError> {
        let part = self.network.up_to(node).build().expect("a part of a network that was built");
        let mut parameters = buffer(part.parameter_count());
        for parameter in part.parameters() {
            let whole = self.network.parameters().iter().find(|p| p.name == parameter.name);
            let from = whole.expect("it is a part").range.clone();
            parameters[parameter.range.clone()].copy_from_slice(&self.numbers.parameters[from]);
        }
        // Nobody trains it.
        let (loss, still) = (MeanSquaredError::default().into(), SGD::default().into());
        let options = Options { threads: self.threads(), seed: self.seed, ..Options::default() };
        Self::with_parameters(self.kernels.clone(), part, parameters, loss, still, options)
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
        let fusion = options.shortcuts.fusion;
        let program = Program::new(&kernels, &network, &loss, Mode::Train, fusion)?;
        let predictor = Program::new(&kernels, &network, &loss, Mode::Predict, fusion)?;
        let numbers = Numbers {
            parameters,
            trained: network.trainable_count(),
            gradients: buffer(0),
            moments: optimizer.moments().iter().map(|_| buffer(0)).collect(),
            packed: program.packed_lens.iter().map(|&len| buffer(len)).collect(),
            packed_for: None,
            changes: 0,
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

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }
}

impl<K: Kernels> std::fmt::Debug for Cpu<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: &Shape = self.network.input();
        write!(f, "Cpu({}, {shape}, {} threads)", self.network.name(), self.threads())
    }
}
