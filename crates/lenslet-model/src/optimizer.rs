//! Optimisers, with Keras's arithmetic and defaults: one file each, and what they have in common.

mod adagrad;
mod adam;
mod adaptive;
mod configure;
mod lamb;
mod lion;
mod muon;
mod nadam;
mod rmsprop;
mod sgd;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use configure::Configure;
pub use lamb::Lamb;
pub use lion::Lion;
pub use muon::Muon;
pub use nadam::Nadam;
pub use rmsprop::RMSprop;
pub use sgd::SGD;

use crate::{ModelError, Network, Problem, Schedule, nearest, range};

/// How gradients change parameters: an algorithm, and what is done around it. In files one table,
/// with Keras's names.
///
/// ```
/// use lenslet_model::{AdamW, Configure, Optimizer};
/// let optimizer = AdamW::new(0.002).weight_decay(0.05).global_clipnorm(1.0);
/// assert_eq!(optimizer.check(), Ok(()));
/// let plain: Optimizer = AdamW::default().into();
/// assert_eq!(plain.decay(), 0.004);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Optimizer {
    /// The algorithm and its own settings.
    #[serde(flatten)]
    pub algorithm: Algorithm,
    /// The gradient of each parameter tensor is scaled down so that its norm is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipnorm: Option<f64>,
    /// Every number of a gradient is brought to between minus this and this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipvalue: Option<f64>,
    /// The gradient of all parameters together is scaled down so that its norm is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_clipnorm: Option<f64>,
    /// Before each step parameters lose this share of themselves times the learning rate. The
    /// algorithm's own by default: 0.004 for [`AdamW`] and [`Muon`], else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Parameters that do not decay: names of layers (`dense_1`), or of what layers have (`bias`).
    /// By default biases and what normalisation learns (Keras: none).
    #[serde(default = "exempt", skip_serializing_if = "is_exempt")]
    pub exclude_from_weight_decay: Vec<String>,
    /// Keeps a moving average of the parameters, which takes their place when training ends; no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_ema: bool,
    /// Share of the old average in the new; 0.99.
    #[serde(default = "ema_momentum", skip_serializing_if = "is_ema_momentum")]
    pub ema_momentum: f64,
    /// The average takes the place of the parameters every so many steps, too; not by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_overwrite_frequency: Option<u64>,
    /// Parameters change only every so many steps, by the mean of the gradients since; at least 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_accumulation_steps: Option<u64>,
    /// How the learning rate goes from step to step; it stays as it is by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// The algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Algorithm {
    /// [`Adam`].
    Adam(Adam),
    /// [`AdamW`].
    AdamW(AdamW),
    /// [`SGD`].
    Sgd(SGD),
    /// [`RMSprop`].
    RmsProp(RMSprop),
    /// [`Adagrad`].
    Adagrad(Adagrad),
    /// [`Nadam`].
    Nadam(Nadam),
    /// [`Lion`].
    Lion(Lion),
    /// [`Lamb`].
    Lamb(Lamb),
    /// [`Muon`].
    Muon(Muon),
}

/// What an algorithm remembers of every parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Keras's name.
    pub name: &'static str,
    /// Its value before the first step.
    pub initial: f64,
}

impl Moment {
    fn new(name: &'static str) -> Self {
        Self { name, initial: 0.0 }
    }
}

/// What every algorithm says of itself.
trait Describe {
    fn name(&self) -> &'static str;
    fn learning_rate(&mut self) -> &mut f64;
    fn moments(&self) -> Vec<Moment>;
    /// Its weight decay where the user names none.
    fn weight_decay(&self) -> f64 {
        0.0
    }
    /// Checks all but the learning rate.
    fn check(&self) -> Result<(), Problem>;
}

impl Algorithm {
    /// Every algorithm with Keras's defaults.
    pub fn all() -> [Self; 9] {
        [
            Self::Adam(Adam::default()),
            Self::AdamW(AdamW::default()),
            Self::Sgd(SGD::default()),
            Self::RmsProp(RMSprop::default()),
            Self::Adagrad(Adagrad::default()),
            Self::Nadam(Nadam::default()),
            Self::Lion(Lion::default()),
            Self::Lamb(Lamb::default()),
            Self::Muon(Muon::default()),
        ]
    }

    /// The algorithm of that name, with Keras's defaults.
    ///
    /// # Errors
    /// Where there is none: with the names that there are, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        let all = Self::all();
        if let Some(found) = all.into_iter().find(|algorithm| algorithm.name() == name) {
            return Ok(found);
        }
        let names = all.map(|algorithm| algorithm.name());
        let hint = nearest(name, names).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        Err(format!("there is no optimizer `{name}` (known: {}){hint}", names.join(", ")))
    }

    /// Keras's name.
    pub fn name(&self) -> &'static str {
        { *self }.describe().name()
    }

    fn describe(&mut self) -> &mut dyn Describe {
        match self {
            Self::Adam(algorithm) => algorithm,
            Self::AdamW(algorithm) => algorithm,
            Self::Sgd(algorithm) => algorithm,
            Self::RmsProp(algorithm) => algorithm,
            Self::Adagrad(algorithm) => algorithm,
            Self::Nadam(algorithm) => algorithm,
            Self::Lion(algorithm) => algorithm,
            Self::Lamb(algorithm) => algorithm,
            Self::Muon(algorithm) => algorithm,
        }
    }
}

/// The settings that every optimiser has.
const COMMON: &str = "`clipnorm`, `clipvalue`, `global_clipnorm`, `weight_decay`, \
     `exclude_from_weight_decay`, `use_ema`, `ema_momentum`, `ema_overwrite_frequency`, \
     `gradient_accumulation_steps`, `schedule`";

impl<'de> Deserialize<'de> for Optimizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The algorithm refuses what it does not know; it does not know what all have in common.
        Self::deserialize(deserializer).map_err(|error| match error.to_string() {
            message if message.contains("unknown field") => {
                D::Error::custom(format!("{}, {COMMON}", message.trim_end()))
            }
            _ => error,
        })
    }
}

impl Serialize for Optimizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// The names that do not decay by default.
const EXEMPT: [&str; 3] = ["bias", "gamma", "beta"];

fn exempt() -> Vec<String> {
    EXEMPT.map(str::to_owned).to_vec()
}

fn is_exempt(names: &[String]) -> bool {
    names == EXEMPT
}

fn ema_momentum() -> f64 {
    0.99
}

fn is_ema_momentum(momentum: &f64) -> bool {
    *momentum == ema_momentum()
}

impl Optimizer {
    /// The algorithm with nothing around it.
    pub fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            clipnorm: None,
            clipvalue: None,
            global_clipnorm: None,
            weight_decay: None,
            exclude_from_weight_decay: exempt(),
            use_ema: false,
            ema_momentum: ema_momentum(),
            ema_overwrite_frequency: None,
            gradient_accumulation_steps: None,
            schedule: None,
        }
    }

    /// Keras's name.
    pub fn name(&self) -> &'static str {
        self.algorithm.name()
    }

    /// The step size, where a schedule starts from.
    pub fn learning_rate(&self) -> f64 {
        *{ self.algorithm }.describe().learning_rate()
    }

    /// The step size of step `step`, counted from 0.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        let rate = self.learning_rate();
        self.schedule.as_ref().map_or(rate, |schedule| schedule.rate(rate, step))
    }

    /// Sets the step size.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        *self.algorithm.describe().learning_rate() = learning_rate;
    }

    /// The same with another step size.
    pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
        self.set_learning_rate(learning_rate);
        self
    }

    /// The weight decay: that asked for, else the algorithm's own.
    pub fn decay(&self) -> f64 {
        self.weight_decay.unwrap_or_else(|| { self.algorithm }.describe().weight_decay())
    }

    /// Whether a parameter of this name (`layer/parameter`) decays, where there is a decay.
    pub fn decays(&self, parameter: &str) -> bool {
        let exempt = &self.exclude_from_weight_decay;
        !parameter.split('/').any(|part| exempt.iter().any(|name| name == part))
    }

    /// What is remembered of every parameter, in order: the algorithm's moments, then the moving
    /// average of the parameters and the sum of gradients where there are such.
    pub fn moments(&self) -> Vec<Moment> {
        let mut moments = { self.algorithm }.describe().moments();
        moments.extend(self.use_ema.then(|| Moment::new("average")));
        let accumulates = self.gradient_accumulation_steps.is_some();
        moments.extend(accumulates.then(|| Moment::new("gradient_accumulator")));
        moments
    }

    /// Refuses settings that cannot train.
    ///
    /// # Errors
    /// Where a setting is out of range, or two of them exclude each other.
    pub fn check(&self) -> Result<(), ModelError> {
        self.problem().map_err(|problem| ModelError::Setting {
            setting: format!("optimizer {}", self.name()),
            problem,
        })
    }

    /// [`Self::check`], and that the names that do not decay are names of this network.
    ///
    /// # Errors
    /// Where a name is none of the network's: with the nearest.
    pub fn check_with(&self, network: &Network) -> Result<(), ModelError> {
        self.check()?;
        let known: Vec<&str> =
            network.parameters().iter().flat_map(|p| p.name.split('/')).chain(EXEMPT).collect();
        let stray = |name: &&String| !known.contains(&name.as_str());
        let Some(name) = self.exclude_from_weight_decay.iter().find(stray) else { return Ok(()) };
        let remedy = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`lenslet summary` lists them".to_owned(),
        };
        Err(ModelError::Setting {
            setting: format!("optimizer {}", self.name()),
            problem: Problem::new(
                format!("exclude_from_weight_decay: no layer or parameter is called `{name}`"),
                remedy,
            ),
        })
    }

    fn problem(&self) -> Result<(), Problem> {
        range::positive("learning_rate", self.learning_rate())?;
        { self.algorithm }.describe().check()?;
        let clips = [
            ("clipnorm", self.clipnorm),
            ("clipvalue", self.clipvalue),
            ("global_clipnorm", self.global_clipnorm),
        ];
        let clips: Vec<_> = clips.into_iter().filter_map(|(name, x)| Some((name, x?))).collect();
        for &(name, value) in &clips {
            range::positive(name, value)?;
        }
        if let [(first, _), (second, _), ..] = clips[..] {
            return Err(Problem::new(
                format!("{first} and {second} are both set"),
                "gradients are clipped in one way: leave one of them out",
            ));
        }
        range::not_negative("weight_decay", self.decay())?;
        range::portion("ema_momentum", self.ema_momentum)?;
        if let Some(steps) = self.ema_overwrite_frequency {
            range::count("ema_overwrite_frequency", steps)?;
            if !self.use_ema {
                return Err(Problem::new(
                    "ema_overwrite_frequency is set, but there is no average",
                    "set use_ema too, or leave it out",
                ));
            }
        }
        if let Some(steps @ (0 | 1)) = self.gradient_accumulation_steps {
            return Err(Problem::new(
                format!("gradient_accumulation_steps = {steps} is out of range"),
                "it must be at least 2; leave it out to change the parameters after every step",
            ));
        }
        self.schedule.as_ref().map_or(Ok(()), Schedule::check)
    }
}

/// Of an algorithm an optimiser with nothing around it.
macro_rules! optimizers {
    ($($variant:ident($algorithm:ty)),*) => {
        $(impl From<$algorithm> for Optimizer {
            fn from(algorithm: $algorithm) -> Self {
                Self::new(Algorithm::$variant(algorithm))
            }
        })*
    };
}

optimizers!(
    Adam(Adam),
    AdamW(AdamW),
    Sgd(SGD),
    RmsProp(RMSprop),
    Adagrad(Adagrad),
    Nadam(Nadam),
    Lion(Lion),
    Lamb(Lamb),
    Muon(Muon)
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CosineDecay, cnn, serde_hint};

    fn read(text: &str) -> Result<Optimizer, String> {
        toml::from_str(text).map_err(|e: toml::de::Error| e.to_string())
    }

    #[test]
    fn every_algorithm_is_read_back_with_all_that_is_around_it() {
        for algorithm in Algorithm::all() {
            let optimizer = Optimizer {
                clipvalue: Some(0.5),
                ema_overwrite_frequency: Some(10),
                ..Optimizer::new(algorithm)
                    .weight_decay(0.01)
                    .exclude_from_weight_decay(["bias", "dense_1"])
                    .ema(0.9)
                    .gradient_accumulation_steps(4)
                    .schedule(Schedule::from(CosineDecay::new(100)).warmup(10))
            };
            let text = toml::to_string(&optimizer).unwrap();
            assert_eq!(read(&text), Ok(optimizer), "{text}");
        }
    }

    #[test]
    fn what_is_as_by_default_is_not_written() {
        let text = toml::to_string(&Optimizer::from(Lion::default())).unwrap();
        let lion = "name = \"lion\"\nlearning_rate = 0.001\nbeta_1 = 0.9\nbeta_2 = 0.99\n";
        assert_eq!(text, lion);
        assert_eq!(read("name = \"lion\""), Ok(Lion::default().into()));
    }

    #[test]
    fn decay_and_moments_are_the_algorithms_own() {
        let decay = |name| Optimizer::new(Algorithm::named(name).unwrap()).decay();
        assert_eq!(["adam", "adamw", "muon", "lion"].map(decay), [0.0, 0.004, 0.004, 0.0]);
        assert_eq!(AdamW::default().weight_decay(0.0).decay(), 0.0);
        let names = |o: Optimizer| o.moments().into_iter().map(|m| m.name).collect::<Vec<_>>();
        assert!(names(SGD::default().into()).is_empty());
        let all = RMSprop { momentum: 0.9, centered: true, ..RMSprop::default() }.ema(0.9);
        assert_eq!(names(all), ["velocity", "momentum", "average_gradient", "average"]);
    }

    #[test]
    fn biases_do_not_decay_unless_they_are_told_to() {
        let adamw: Optimizer = AdamW::default().into();
        assert!(adamw.decays("conv2d/kernel") && !adamw.decays("conv2d/bias"));
        let all = adamw.exclude_from_weight_decay(["dense"]);
        assert!(all.decays("conv2d/bias") && !all.decays("dense/kernel"));
        assert!(all.decays("dense_1/kernel"), "names are whole");
    }

    #[test]
    fn settings_that_cannot_train_are_refused() {
        let adam = Adam::default;
        let muon = |change: fn(&mut Muon)| {
            let mut muon = Muon::default();
            change(&mut muon);
            Optimizer::from(muon)
        };
        let cases: [(Optimizer, &str); 31] = [
            (Adam::new(f64::NAN).into(), "learning_rate = NaN"),
            (SGD::new(0.0).into(), "learning_rate = 0"),
            (Lion::new(-1e-4).into(), "learning_rate = -0.0001"),
            (Adam { beta_2: 1.0, ..adam() }.into(), "beta_2 = 1"),
            (Adam { epsilon: -1.0, ..adam() }.into(), "epsilon = -1"),
            (AdamW { beta_1: -0.1, ..AdamW::default() }.into(), "beta_1 = -0.1"),
            (AdamW { epsilon: 0.0, ..AdamW::default() }.into(), "epsilon = 0"),
            (Nadam { beta_1: 1.5, ..Nadam::default() }.into(), "beta_1 = 1.5"),
            (Lamb { beta_2: f64::NAN, ..Lamb::default() }.into(), "beta_2 = NaN"),
            (Lion { beta_2: 1.0, ..Lion::default() }.into(), "beta_2 = 1"),
            (RMSprop { rho: 1.0, ..RMSprop::default() }.into(), "rho = 1"),
            (RMSprop { momentum: -0.5, ..RMSprop::default() }.into(), "momentum = -0.5"),
            (
                Adagrad { initial_accumulator_value: -1.0, ..Adagrad::default() }.into(),
                "initial_accumulator_value = -1",
            ),
            (muon(|m| m.ns_steps = 0), "ns_steps = 0"),
            (muon(|m| m.ns_steps = 100), "ns_steps = 100"),
            (muon(|m| m.momentum = 1.0), "momentum = 1"),
            (muon(|m| m.rms_rate = 0.0), "rms_rate = 0"),
            (muon(|m| m.adam_lr_ratio = -1.0), "adam_lr_ratio = -1"),
            (SGD::new(0.1).nesterov().into(), "nesterov needs a momentum"),
            (adam().clipnorm(0.0), "clipnorm = 0 is out of range"),
            (adam().clipvalue(-1.0), "clipvalue = -1 is out of range"),
            (adam().global_clipnorm(f64::INFINITY), "global_clipnorm = inf"),
            (adam().clipnorm(1.0).clipvalue(1.0), "clipnorm and clipvalue are both set"),
            (adam().weight_decay(-0.1), "weight_decay = -0.1"),
            (adam().ema(1.5), "ema_momentum = 1.5"),
            (
                Optimizer { ema_overwrite_frequency: Some(0), ..adam().ema(0.9) },
                "ema_overwrite_frequency = 0",
            ),
            (
                Optimizer { ema_overwrite_frequency: Some(5), ..adam().into() },
                "there is no average; set use_ema",
            ),
            (adam().gradient_accumulation_steps(1), "gradient_accumulation_steps = 1"),
            (adam().gradient_accumulation_steps(0), "at least 2"),
            (adam().schedule(CosineDecay::new(0)), "schedule: decay_steps = 0"),
            (
                adam().schedule(Schedule { warmup_from: 2.0, ..CosineDecay::new(9).into() }),
                "schedule: warmup_from = 2",
            ),
        ];
        for (optimizer, part) in cases {
            let message = optimizer.check().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            let place = format!("optimizer {}: ", optimizer.name());
            assert!(message.starts_with(&place), "{message}");
        }
        for algorithm in Algorithm::all() {
            assert_eq!(Optimizer::new(algorithm).check(), Ok(()));
        }
    }

    #[test]
    fn unknown_words_have_hints() {
        for (text, hint) in [
            ("name = \"adamm\"", "`adam`"),
            ("name = \"rmsprob\"", "`rmsprop`"),
            ("name = \"adam\"\nbeta1 = 0.9", "`beta_1`"),
            ("name = \"adam\"\nclipnrom = 1.0", "`clipnorm`"),
            ("name = \"sgd\"\nweight_decy = 0.1", "`weight_decay`"),
            ("name = \"sgd\"\n[schedule]\nname = \"cosin\"", "`cosine`"),
            ("name = \"sgd\"\n[schedule]\nname = \"cosine\"\ndecay_step = 3", "`decay_steps`"),
        ] {
            let message = read(text).unwrap_err();
            let meant = serde_hint(&message).unwrap_or_default();
            assert!(meant.contains(hint), "{text}: {message}: {meant}");
        }
        let message = Algorithm::named("rmspropp").unwrap_err();
        assert!(message.contains("did you mean `rmsprop`?"), "{message}");
    }

    #[test]
    fn names_that_do_not_decay_are_the_networks() {
        let network = cnn((8, 8, 3), 3).build().unwrap();
        let check = |name| {
            Adam::default().weight_decay(0.1).exclude_from_weight_decay([name]).check_with(&network)
        };
        assert_eq!(check("dense"), Ok(()));
        let message = check("biass").unwrap_err().to_string();
        assert!(message.contains("`biass`; did you mean `bias`?"), "{message}");
    }
}
