//! Choices that files write as a name (`"relu"`) or as a table of a name and settings
//! (`{ name = "elu", alpha = 0.5 }`).

use std::marker::PhantomData;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serializer};

use crate::nearest;

/// One setting of a choice.
pub(crate) enum Setting<'a> {
    Number(&'a mut f64),
    Flag(&'a mut bool),
}

/// A choice out of a closed set.
pub(crate) trait Named: Copy + PartialEq {
    /// What it is a choice of: `activation`.
    const WHAT: &'static str;
    /// The names, as messages list them.
    const NAMES: &'static [&'static str];

    /// The choice of this name, with the settings' defaults.
    fn by_name(name: &str) -> Option<Self>;
    /// Its name.
    fn name(self) -> &'static str;
    /// Its settings, with their names.
    fn settings(&mut self) -> Vec<(&'static str, Setting<'_>)>;

    /// The choice of this name, or what is wrong with that.
    fn parse(name: &str) -> Result<Self, String> {
        Self::by_name(name).ok_or_else(|| {
            let known = Self::NAMES.join(", ");
            let meant = nearest(name, Self::NAMES.iter().copied());
            let meant = meant.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            format!("unknown {} `{name}` (known: {known}){meant}", Self::WHAT)
        })
    }
}

/// The name alone where all settings have their defaults, else a table.
pub(crate) fn serialize<T: Named, S: Serializer>(choice: &T, to: S) -> Result<S::Ok, S::Error> {
    let name = choice.name();
    if T::by_name(name) == Some(*choice) {
        return to.serialize_str(name);
    }
    let mut choice = *choice;
    let mut table = to.serialize_map(None)?;
    table.serialize_entry("name", name)?;
    for (key, setting) in choice.settings() {
        match setting {
            Setting::Number(number) => table.serialize_entry(key, number)?,
            Setting::Flag(flag) => table.serialize_entry(key, flag)?,
        }
    }
    table.end()
}

/// Reads either form.
pub(crate) fn deserialize<'de, T: Named, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(NameOrTable(PhantomData))
}

struct NameOrTable<T>(PhantomData<T>);

impl<'de, T: Named> Visitor<'de> for NameOrTable<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the name of an {}, or a table with its name and settings", T::WHAT)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        T::parse(name).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut name: Option<String> = None;
        let mut given: Vec<(String, Value)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => name = Some(map.next_value()?),
                _ => given.push((key, map.next_value()?)),
            }
        }
        let name = name.ok_or_else(|| {
            let example = T::NAMES[0];
            de::Error::custom(format!("the {} has no `name`, as in \"{example}\"", T::WHAT))
        })?;
        let mut choice = T::parse(&name).map_err(de::Error::custom)?;
        for (key, value) in given {
            set(&mut choice, &name, &key, value).map_err(de::Error::custom)?;
        }
        Ok(choice)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or true or false")]
enum Value {
    Flag(bool),
    Number(f64),
}

fn set<T: Named>(choice: &mut T, name: &str, key: &str, value: Value) -> Result<(), String> {
    let mut settings = choice.settings();
    let Some((_, setting)) = settings.iter_mut().find(|(known, _)| *known == key) else {
        let known: Vec<_> = settings.iter().map(|(known, _)| format!("`{known}`")).collect();
        let has = if known.is_empty() {
            "it has no settings".to_owned()
        } else {
            format!("it has {}", known.join(", "))
        };
        return Err(format!("`{name}` has no `{key}`; {has}"));
    };
    match (setting, value) {
        (Setting::Number(number), Value::Number(value)) => **number = value,
        (Setting::Flag(flag), Value::Flag(value)) => **flag = value,
        (Setting::Number(_), _) => return Err(format!("`{key}` of `{name}` must be a number")),
        (Setting::Flag(_), _) => return Err(format!("`{key}` of `{name}` must be true or false")),
    }
    Ok(())
}

/// `Serialize` and `Deserialize` by way of [`Named`].
macro_rules! serde_by_name {
    ($t:ty) => {
        impl serde::Serialize for $t {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                crate::named::serialize(self, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $t {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                crate::named::deserialize(from)
            }
        }
    };
}

pub(crate) use serde_by_name;
