//! Names of layers.

use std::collections::{HashMap, HashSet};

use crate::{INPUT, ModelError, Problem};

/// The layers' names: the user's own, else Keras's automatic ones, counted by type.
pub(crate) fn automatic_names<'a>(
    layers: impl Iterator<Item = (Option<&'a str>, &'static str)> + Clone,
) -> Result<Vec<String>, ModelError> {
    let mut taken = HashSet::new();
    for name in layers.clone().filter_map(|(name, _)| name) {
        check(name)?;
        if !taken.insert(name) {
            return Err(ModelError::DuplicateName(name.to_owned()));
        }
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let automatic = |stem: &'static str, counts: &mut HashMap<&str, usize>| loop {
        let count = counts.entry(stem).or_insert(0);
        let name = if *count == 0 { stem.to_owned() } else { format!("{stem}_{count}") };
        *count += 1;
        if !taken.contains(name.as_str()) {
            return name;
        }
    };
    let names = layers.map(|(name, stem)| match name {
        Some(name) => name.to_owned(),
        None => automatic(stem, &mut counts),
    });
    Ok(names.collect())
}

fn check(name: &str) -> Result<(), ModelError> {
    let refused = |what: String, remedy: &str| ModelError::Setting {
        setting: "layer name".to_owned(),
        problem: Problem::new(what, remedy),
    };
    if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
        let remedy = "use letters, digits, '_' and '-'";
        return Err(refused(format!("{name:?} cannot be a name"), remedy));
    }
    if name == INPUT {
        let what = format!("`{INPUT}` is the name of the network's input");
        return Err(refused(what, "give the layer another name"));
    }
    Ok(())
}
