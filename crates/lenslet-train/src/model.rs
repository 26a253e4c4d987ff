//! A network that can be trained and used.

use lenslet_data::{Dataset, Labels, MultiHot};
use lenslet_engine::{Cpu, Engine, Options, Profile, State};
use lenslet_model::{Graph, Loss, LossFunction, Metric, Network, Optimizer, Sequential};

use crate::adapt::{Which, adapt};
use crate::evaluation::{first_largest, outputs, tally};
use crate::fit::Course;
use crate::{
    Checkpoint, Evaluation, Fit, History, Keeper, LabelEvaluation, LearningRateSweep, Observer,
    SweptRates, TrainError,
};

/// Makes a description trainable: `model.compile(optimizer, loss, metrics)`.
pub trait Compile {
    /// Checks the description, draws initial weights and prepares training, on all cores.
    ///
    /// # Errors
    /// Where layers do not fit together, or a setting cannot train.
    fn compile(
        self,
        optimizer: impl Into<Optimizer>,
        loss: impl Into<Loss>,
        metrics: &[Metric],
    ) -> Result<Model, TrainError>;

    /// The same with a choice of threads, instruction set and seed.
    ///
    /// # Errors
    /// As [`Self::compile`].
    fn compile_with(
        self,
        optimizer: impl Into<Optimizer>,
        loss: impl Into<Loss>,
        metrics: &[Metric],
        options: Options,
    ) -> Result<Model, TrainError>;
}

impl Compile for Graph {
    fn compile(
        self,
        optimizer: impl Into<Optimizer>,
        loss: impl Into<Loss>,
        metrics: &[Metric],
    ) -> Result<Model, TrainError> {
        self.compile_with(optimizer, loss, metrics, Options::default())
    }

    fn compile_with(
        self,
        optimizer: impl Into<Optimizer>,
        loss: impl Into<Loss>,
        metrics: &[Metric],
        options: Options,
    ) -> Result<Model, TrainError> {
        let loss = loss.into();
        let engine = Cpu::new(self.build()?, loss.clone(), optimizer.into(), options)?;
        let (engine, metrics) = (Box::new(engine), metrics.to_vec());
        Ok(Model { engine, loss, metrics, classes: Vec::new() })
    }
}

impl Compile for Sequential {
    fn compile(
        self,
        optimizer: impl Into<Optimizer>,
        loss: impl Into<Loss>,
        metrics: &[Metric],
    ) -> Result<Model, TrainError> {
        Graph::from(self).compile(optimizer, loss, metrics)
    }

    fn compile_with(
        self,
        optimizer: impl Into<Optimizer>,
        loss: impl Into<Loss>,
        metrics: &[Metric],
        options: Options,
    ) -> Result<Model, TrainError> {
        Graph::from(self).compile_with(optimizer, loss, metrics, options)
    }
}

/// What the pictures of a multi-label data set have.
const MANY: &str = "any number of labels each";

/// A compiled network.
pub struct Model {
    engine: Box<dyn Engine>,
    loss: Loss,
    metrics: Vec<Metric>,
    classes: Vec<String>,
}

impl Model {
    /// A model that was trained before, whose outputs mean `classes`. `read` fills the network's
    /// flat parameter buffer. What training needs besides is made only if it goes on.
    ///
    /// # Errors
    /// Those of `read`; where the classes do not fit the network, or a setting cannot train.
    pub fn trained<E: From<TrainError>>(
        network: Network,
        classes: Vec<String>,
        optimizer: impl Into<Optimizer>,
        loss: impl Into<Loss>,
        options: Options,
        read: impl FnOnce(&mut [f32]) -> Result<(), E>,
    ) -> Result<Self, E> {
        network.check_classes(classes.len()).map_err(TrainError::from)?;
        let loss = loss.into();
        let engine = Cpu::blank(network, loss.clone(), optimizer.into(), options);
        let mut engine = engine.map_err(TrainError::from)?;
        read(engine.parameters_mut())?;
        Ok(Self { engine: Box::new(engine), loss, metrics: Vec::new(), classes })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        self.engine.network()
    }

    /// What is told beside the loss.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The names of the classes: those of the data that it was trained on, or of the file that it
    /// came from; empty before.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Keras's table of layers, 80 columns wide.
    pub fn summary(&self) -> String {
        self.network().summary(80)
    }

    /// The network's flat parameter buffer: what is saved to predict with.
    pub fn weights(&self) -> Vec<f32> {
        self.engine.weights()
    }

    /// Parameters and optimiser state.
    pub fn state(&self) -> State {
        self.engine.state()
    }

    /// Goes on from saved parameters (and optimiser state, where there is one).
    ///
    /// # Errors
    /// Where the state or the classes do not fit the network.
    pub fn load(&mut self, state: &State, classes: Vec<String>) -> Result<(), TrainError> {
        self.network().check_classes(classes.len())?;
        self.engine.load_state(state)?;
        self.classes = classes;
        Ok(())
    }

    /// Gives every `Normalization` that takes mean and variance from the data those of `data`, in
    /// place of what it had. [`Self::fit`] does it for those that have none yet.
    ///
    /// # Errors
    /// Where the samples do not have the model's input shape, or there are none.
    pub fn adapt(&mut self, data: &Dataset) -> Result<(), TrainError> {
        data.check_trainable()?;
        self.check_shape(data)?;
        adapt(&mut *self.engine, data, Which::All)
    }

    /// Trains on `data`. A `Normalization` that takes its statistics from the data, and has none,
    /// takes them first.
    ///
    /// # Errors
    /// Where data and model do not fit each other, before anything is trained; or where the loss
    /// is no number any more.
    pub fn fit(&mut self, data: &Dataset, fit: Fit<'_>) -> Result<History, TrainError> {
        self.fit_observed(data, fit, &mut ())
    }

    /// Trains on `data`, watched by an [`Observer`], which may end it.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_observed(
        &mut self,
        data: &Dataset,
        fit: Fit<'_>,
        observer: &mut dyn Observer,
    ) -> Result<History, TrainError> {
        self.fit_kept(data, fit, None, &mut (), observer)
    }

    /// Trains on `data`, from a checkpoint on or from the beginning. A [`Keeper`] gets checkpoints
    /// as it asks for them. Ends with the same weights and history, to the last bit, as a training
    /// that was never broken off (but for the seconds).
    ///
    /// ```
    /// # use lenslet_data::synthetic::Synthetic;
    /// # use lenslet_model::{Adam, Sequential, SparseCategoricalCrossentropy, layers};
    /// use lenslet_train::{Checkpoint, Compile, Fit, Keeper, Moment, TrainError};
    ///
    /// #[derive(Default)]
    /// struct Last(Option<Checkpoint>);
    ///
    /// impl Keeper for Last {
    ///     fn due(&mut self, moment: Moment) -> bool {
    ///         moment == Moment::Epoch
    ///     }
    ///     fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
    ///         self.0 = Some(checkpoint);
    ///         Ok(())
    ///     }
    /// }
    /// # let data = Synthetic { train: 40, test: 0, ..Synthetic::default() }.generate()?.train;
    /// # let layers = Sequential::new((32, 32, 3)).add(layers::Flatten::new());
    /// # let model = layers.add(layers::Dense::new(10));
    /// # let compile = || {
    /// #     let loss = SparseCategoricalCrossentropy::default();
    /// #     model.clone().compile(Adam::default(), loss, &[]).unwrap()
    /// # };
    /// let (mut first, mut second) = (compile(), compile());
    /// let mut last = Last::default();
    /// first.fit_kept(&data, Fit::new().epochs(1), None, &mut last, &mut ())?;
    /// second.fit_kept(&data, Fit::new().epochs(3), last.0, &mut (), &mut ())?;
    ///
    /// let mut never_broken_off = compile();
    /// never_broken_off.fit(&data, Fit::new().epochs(3))?;
    /// assert_eq!(second.weights(), never_broken_off.weights());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::fit`]; where the checkpoint is not one of this training; where the keeper fails.
    pub fn fit_kept(
        &mut self,
        data: &Dataset,
        fit: Fit<'_>,
        from: Option<Checkpoint>,
        keeper: &mut dyn Keeper,
        observer: &mut dyn Observer,
    ) -> Result<History, TrainError> {
        data.check_trainable()?;
        if self.classes.is_empty() {
            self.network().check_classes(data.classes().len())?;
            self.classes = data.classes().to_vec();
        }
        for data in std::iter::once(data).chain(fit.validation) {
            self.check_data(data)?;
            self.check_labels(data)?;
        }
        adapt(&mut *self.engine, data, Which::New)?;
        Course::new(fit, &mut *self.engine, data, &self.metrics, observer, keeper).run(from)
    }

    /// From here on training steps are timed, layer by layer; of the first `traced` steps every
    /// single span is kept. Costs about a hundredth of their time and changes no result.
    ///
    /// ```
    /// # use lenslet_data::synthetic::Synthetic;
    /// # use lenslet_model::{Adam, Sequential, SparseCategoricalCrossentropy, layers};
    /// # use lenslet_train::{Compile, Fit};
    /// # let data = Synthetic { train: 40, test: 0, ..Synthetic::default() }.generate()?.train;
    /// # let layers = Sequential::new((32, 32, 3)).add(layers::Flatten::new());
    /// # let model = layers.add(layers::Dense::new(10));
    /// # let loss = SparseCategoricalCrossentropy::default();
    /// let mut model = model.compile(Adam::default(), loss, &[])?;
    /// model.start_profile(5);
    /// model.fit(&data, Fit::new())?;
    /// let profile = model.take_profile().expect("the CPU's engine can tell");
    /// print!("{profile}");
    /// assert_eq!(profile.steps(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_profile(&mut self, traced: usize) {
        self.engine.start_profile(traced);
    }

    /// Ends the timing; returns what was measured, if the engine can tell.
    pub fn take_profile(&mut self) -> Option<Profile> {
        self.engine.take_profile()
    }

    /// Tries learning rates on `data`, one step at each, and leaves the model as it was.
    ///
    /// # Errors
    /// Where data and model do not fit each other, or the sweep's settings make no sweep.
    pub fn sweep_learning_rates(
        &mut self,
        data: &Dataset,
        sweep: LearningRateSweep,
    ) -> Result<SweptRates, TrainError> {
        data.check_trainable()?;
        self.check_data(data)?;
        self.check_labels(data)?;
        self.network().check_classes(data.classes().len())?;
        sweep.run(&mut *self.engine, data)
    }

    /// Loss, accuracy and confusions on `data`, of which each sample has one class.
    ///
    /// # Errors
    /// Where data and model do not fit each other, or samples have any number of labels:
    /// [`Self::evaluate_labels`] is for those.
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Evaluation, TrainError> {
        let Labels::Sparse(labels) = data.labels() else {
            return Err(TrainError::Labels {
                data: data.name().to_owned(),
                kind: MANY,
                what: "`evaluate` tells what is taken for what".to_owned(),
                remedy: "call `evaluate_labels`",
            });
        };
        self.check_data(data)?;
        self.network().check_classes(data.classes().len())?;
        let mut outputs = Vec::new();
        let tally = tally(&mut *self.engine, data, Some(&mut outputs))?;
        Ok(Evaluation::new(tally, data.classes(), &outputs, labels))
    }

    /// Loss, accuracy and scores of each label on `data`, of which each sample has any number of them.
    ///
    /// ```
    /// # use lenslet_data::synthetic::Scenes;
    /// # use lenslet_model::{Activation, Adam, BinaryCrossentropy, Sequential, layers};
    /// # use lenslet_train::{Compile, Fit};
    /// let data = Scenes { train: 100, test: 50, ..Scenes::default() }.generate()?;
    /// let model = Sequential::new((32, 32, 3))
    ///     .add(layers::Flatten::new())
    ///     .add(layers::Dense::new(10).activation(Activation::Sigmoid));
    /// let mut model = model.compile(Adam::default(), BinaryCrossentropy::default(), &[])?;
    /// model.fit(&data.train, Fit::new())?;
    /// println!("{}", model.evaluate_labels(&data.test)?.report);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where data and model do not fit each other, or each sample has one class: [`Self::evaluate`] is
    /// for those.
    pub fn evaluate_labels(&mut self, data: &Dataset) -> Result<LabelEvaluation, TrainError> {
        let Labels::MultiHot(labels) = data.labels() else {
            return Err(TrainError::Labels {
                data: data.name().to_owned(),
                kind: "one class each",
                what: "`evaluate_labels` tells how each of many labels is recognised".to_owned(),
                remedy: "call `evaluate`",
            });
        };
        self.check_data(data)?;
        self.check_labels(data)?;
        self.network().check_classes(data.classes().len())?;
        let mut outputs = Vec::new();
        let tally = tally(&mut *self.engine, data, Some(&mut outputs))?;
        Ok(LabelEvaluation::new(tally, data.classes(), &outputs, labels))
    }

    /// The outputs for every sample of `data`: one row of class probabilities after the other.
    ///
    /// # Errors
    /// Where the samples do not have the model's input shape.
    pub fn predict(&mut self, data: &Dataset) -> Result<Vec<f32>, TrainError> {
        self.check_shape(data)?;
        self.predict_pixels(data.pixels(), data.len())
    }

    /// The outputs for samples that are no data set: `pixels` holds one after the other, a byte
    /// per number.
    ///
    /// # Errors
    /// Where the bytes are not `samples` times the model's input.
    pub fn predict_pixels(
        &mut self,
        pixels: &[u8],
        samples: usize,
    ) -> Result<Vec<f32>, TrainError> {
        let size = self.network().input().elements();
        if samples * size != pixels.len() {
            // The engine has the words for it.
            self.engine.predict(pixels, samples, &mut Vec::new())?;
        }
        outputs(&mut *self.engine, pixels)
    }

    /// The labels of every sample of `data`: those of the outputs above one half.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn predict_labels(&mut self, data: &Dataset) -> Result<MultiHot, TrainError> {
        let mut outputs = self.predict(data)?;
        // The logit of one half is 0.
        let logits = self.loss.function.is_binary() && self.loss.function.from_logits();
        let threshold = if logits { 0.0 } else { 0.5 };
        outputs.iter_mut().for_each(|x| *x = f32::from(u8::from(*x > threshold)));
        Ok(MultiHot::new(self.network().output().elements(), outputs)?)
    }

    /// The class of every sample of `data`: the first of the largest outputs.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn predict_classes(&mut self, data: &Dataset) -> Result<Vec<usize>, TrainError> {
        let outputs = self.predict(data)?;
        Ok(outputs.chunks(self.network().output().elements()).map(first_largest).collect())
    }

    fn check_data(&self, data: &Dataset) -> Result<(), TrainError> {
        self.check_shape(data)?;
        if self.classes.is_empty() {
            return Ok(());
        }
        let most = self.classes.len().max(data.classes().len());
        match (0..most).find(|&i| self.classes.get(i) != data.classes().get(i)) {
            None => Ok(()),
            Some(index) => {
                let name = |classes: &[String]| match classes.get(index) {
                    Some(name) => format!("`{name}`"),
                    None => "missing".to_owned(),
                };
                Err(TrainError::Classes {
                    data: data.name().to_owned(),
                    index,
                    came: name(data.classes()),
                    expected: name(&self.classes),
                })
            }
        }
    }

    /// Refuses data with any number of labels where model, loss or metrics are for one class each.
    fn check_labels(&self, data: &Dataset) -> Result<(), TrainError> {
        if data.labels().sparse().is_some() {
            return Ok(());
        }
        let refuse = |what: String, remedy| {
            Err(TrainError::Labels { data: data.name().to_owned(), kind: MANY, what, remedy })
        };
        let Loss { function, class_weights } = &self.loss;
        if !(function.is_binary() || matches!(function, LossFunction::MeanSquaredError(_))) {
            let what = format!("the loss {} is for one class each", function.name());
            return refuse(what, "take binary_crossentropy or binary_focal_crossentropy");
        }
        if !class_weights.is_empty() {
            let what = "class weights are for one class each".to_owned();
            return refuse(what, "leave them out");
        }
        if let Some(metric) = self.metrics.iter().find(|metric| !metric.takes_many_labels()) {
            let what = format!("the metric {metric} is for one class each");
            return refuse(what, "leave it out");
        }
        match function.from_logits() {
            true => Ok(()),
            false => Ok(self.network().check_many_labels()?),
        }
    }

    fn check_shape(&self, data: &Dataset) -> Result<(), TrainError> {
        let input = self.network().input();
        if input.dims() == data.image_shape() {
            return Ok(());
        }
        let [h, w, c] = data.image_shape();
        let dims: Vec<_> = input.dims().iter().map(usize::to_string).collect();
        Err(TrainError::Shape {
            data: data.name().to_owned(),
            came: format!("({h}, {w}, {c})"),
            expected: format!("({})", dims.join(", ")),
        })
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({}, {} classes)", self.network().name(), self.classes.len())
    }
}
