//! From the words for a model to a model that fits the data.

use std::fs;
use std::path::{Path, PathBuf};

use lenslet_data::Dataset;
use lenslet_model::{Activation, Graph, ModelError, Shape, from_toml, zoo, zoo_model, zoo_names};

use crate::failure::Failure;

/// A model file's size can be no larger; a description of ten thousand layers is smaller.
const MOST_BYTES: u64 = 4 << 20;

/// Which network is meant.
pub(crate) enum ModelChoice {
    /// One that comes in any size.
    Named(String),
    /// A file's.
    File(PathBuf, Graph),
    /// One that is known already.
    Described(Graph),
}

impl ModelChoice {
    /// The model of that name, else the file there.
    pub(crate) fn new(name: &str) -> Result<Self, Failure> {
        let path = Path::new(name);
        if zoo_names().contains(&name) {
            return Ok(Self::Named(name.to_owned()));
        }
        if path.is_file() || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
            return Ok(Self::File(path.to_owned(), read(path)?));
        }
        // The library has the words for a name that is none.
        match zoo_model(name, (1, 1, 1), 2) {
            Ok(_) => Ok(Self::Named(name.to_owned())),
            Err(error) => Err(Failure::usage(error.to_string())),
        }
    }

    /// The images that the model takes, where it leaves no choice.
    pub(crate) fn image_shape(&self) -> Option<[usize; 3]> {
        match self {
            Self::Named(_) => None,
            Self::File(_, model) | Self::Described(model) => model.input.dims().try_into().ok(),
        }
    }

    /// The model for samples of this shape and this many classes, where there is a choice.
    pub(crate) fn sized(&self, input: Shape, classes: usize) -> Result<Graph, ModelError> {
        match self {
            Self::Named(name) => zoo_model(name, input, classes),
            Self::File(_, model) | Self::Described(model) => Ok(model.clone()),
        }
    }

    /// The model in the size that its authors had in mind, where there is a choice.
    pub(crate) fn typical(&self) -> Result<Graph, ModelError> {
        let known =
            zoo().iter().find(|model| matches!(self, Self::Named(name) if name == model.name));
        let (input, classes) =
            known.map_or(([32, 32, 3], 10), |model| (model.input, model.classes));
        self.sized(input.into(), classes)
    }

    /// The model for this data.
    pub(crate) fn fitted_to(&self, data: &Dataset) -> Result<Graph, Failure> {
        let mut model = self.sized(data.image_shape().into(), data.classes().len())?;
        let many_labels = data.labels().multi_hot().is_some();
        if let (Self::Named(_), true) = (self, many_labels) {
            model = model.last_activation(Activation::Sigmoid);
        }
        let place = match self {
            Self::File(path, _) => format!("{}: ", path.display()),
            _ => String::new(),
        };
        let failed = |what: String| Failure::failed(format!("{place}{what}"));
        let network = model.build().map_err(|e| failed(e.to_string()))?;
        if network.input().dims() != data.image_shape() {
            let [height, width, channels] = data.image_shape();
            let takes: Vec<_> = network.input().dims().iter().map(usize::to_string).collect();
            return Err(failed(format!(
                "the model takes input = [{}], but the images of {} are [{height}, {width}, \
                 {channels}] (height, width, channels); change the model's input",
                takes.join(", "),
                data.name()
            )));
        }
        network.check_classes(data.classes().len()).map_err(|e| failed(e.to_string()))?;
        match network.check_many_labels() {
            Err(error) if many_labels => {
                let what = format!("the images of {} have any number of labels", data.name());
                Err(failed(format!("{what}, but {error}")))
            }
            _ => Ok(model),
        }
    }
}

fn read(path: &Path) -> Result<Graph, Failure> {
    let failed = |what: String| Failure::failed(format!("{}: {what}", path.display()));
    let size =
        fs::metadata(path).map_err(|e| failed(format!("cannot read it: {e}; check the path")))?;
    if size.len() > MOST_BYTES {
        return Err(failed("too large to be the description of a model; name another file".into()));
    }
    let text = fs::read_to_string(path)
        .map_err(|e| failed(format!("cannot read it: {e}; give a text file")))?;
    let model = from_toml(&text).map_err(|e| failed(e.to_string()))?;
    model.build().map_err(|e| failed(e.to_string()))?;
    Ok(model)
}
