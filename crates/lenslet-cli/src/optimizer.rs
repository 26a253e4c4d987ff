//! From the arguments to the optimiser.

use lenslet_model::{Algorithm, Optimizer, serde_hint};

use crate::failure::Failure;
use crate::number::{natural, real};

/// How gradients change the weights.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Optimizer")]
pub(crate) struct OptimizerArgs {
    /// adam, adamw, sgd, rmsprop, adagrad, nadam, lion, lamb or muon [default: adam]
    #[arg(long, value_name = "NAME", value_parser = Algorithm::named)]
    optimizer: Option<Algorithm>,

    /// The size of a step [default: 0.01 for sgd, else 0.001]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = real)]
    learning_rate: Option<f64>,

    /// sgd, rmsprop, muon: the share of the last step that is taken again
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = real)]
    momentum: Option<f64>,

    /// sgd, muon: Nesterov's form of momentum
    #[arg(long)]
    nesterov: bool,

    /// The share of the weights that is lost a step, times the learning rate [default: 0.004 for
    /// adamw and muon, else 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = real)]
    weight_decay: Option<f64>,

    /// Limit the norm of the whole gradient
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, value_parser = real)]
    global_clipnorm: Option<f64>,

    /// Keep a moving average of the weights, with this share of the old in the new; it is what the
    /// run's folder holds
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = real)]
    ema: Option<f64>,

    /// Change the weights every N steps, by the mean of the gradients
    #[arg(long, value_name = "N", value_parser = natural, allow_negative_numbers = true)]
    accumulate: Option<u64>,

    /// Any other setting of the optimizer, as config.toml has it: beta_1=0.95, clipnorm=1,
    /// centered=true, ... Can be given more than once
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl OptimizerArgs {
    /// The optimiser that the arguments say, else that of the run which is repeated, else Adam.
    pub(crate) fn optimizer(&self, last: Option<&Optimizer>) -> Result<Optimizer, Failure> {
        let mut optimizer = match (self.optimizer, last) {
            (None, Some(last)) => last.clone(),
            (Some(asked), Some(last)) if asked.name() == last.name() => last.clone(),
            (Some(asked), _) => Optimizer::new(asked),
            (None, None) => Optimizer::new(Algorithm::named("adam").expect("there is Adam")),
        };
        self.own_settings(&mut optimizer)?;
        if let Some(rate) = self.learning_rate {
            optimizer.set_learning_rate(rate);
        }
        optimizer.weight_decay = self.weight_decay.or(optimizer.weight_decay);
        optimizer.global_clipnorm = self.global_clipnorm.or(optimizer.global_clipnorm);
        optimizer.gradient_accumulation_steps =
            self.accumulate.or(optimizer.gradient_accumulation_steps);
        if let Some(momentum) = self.ema {
            (optimizer.use_ema, optimizer.ema_momentum) = (true, momentum);
        }
        let optimizer = self.with_settings(optimizer)?;
        optimizer.check().map_err(|e| Failure::usage(e.to_string()))?;
        Ok(optimizer)
    }

    /// Settings that some algorithms have.
    fn own_settings(&self, optimizer: &mut Optimizer) -> Result<(), Failure> {
        let (momentum, nesterov) = match &mut optimizer.algorithm {
            Algorithm::Sgd(sgd) => (Some(&mut sgd.momentum), Some(&mut sgd.nesterov)),
            Algorithm::Muon(muon) => (Some(&mut muon.momentum), Some(&mut muon.nesterov)),
            Algorithm::RmsProp(rmsprop) => (Some(&mut rmsprop.momentum), None),
            _ => (None, None),
        };
        match (self.momentum, momentum) {
            (Some(asked), Some(momentum)) => *momentum = asked,
            (Some(_), None) => return Err(idle("--momentum", "sgd, rmsprop and muon")),
            (None, _) => {}
        }
        match nesterov {
            Some(nesterov) => *nesterov |= self.nesterov,
            None if self.nesterov => return Err(idle("--nesterov", "sgd and muon")),
            None => {}
        }
        Ok(())
    }

    /// With what `--set` says, by way of the text that files have.
    fn with_settings(&self, optimizer: Optimizer) -> Result<Optimizer, Failure> {
        if self.set.is_empty() {
            return Ok(optimizer);
        }
        let refuse = |what: String| Failure::usage(format!("--set: {}", what.trim_end()));
        let mut table = toml::Table::try_from(&optimizer).expect("an optimizer is plain data");
        for setting in &self.set {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                refuse(format!(
                    "`{setting}` is no setting; give KEY=VALUE, for example beta_1=0.95"
                ))
            })?;
            let (key, value) = (key.trim(), value.trim());
            if key == "name" {
                return Err(refuse("the name is chosen by --optimizer".to_owned()));
            }
            let line: toml::Table = toml::from_str(&format!("value = {value}"))
                .map_err(|_| refuse(format!("`{value}` is no number, true or false, or [list]")))?;
            table.extend(line.into_iter().map(|(_, value)| (key.to_owned(), value)));
        }
        table.try_into().map_err(|error| {
            let message = error.to_string();
            match serde_hint(&message) {
                Some(hint) => refuse(format!("{}; {hint}", message.trim_end())),
                None => refuse(message),
            }
        })
    }
}

fn idle(flag: &str, optimizers: &str) -> Failure {
    let first = optimizers.split([',', ' ']).next().unwrap_or(optimizers);
    Failure::usage(format!("{flag} is for {optimizers}; add --optimizer {first}, or leave it out"))
}
