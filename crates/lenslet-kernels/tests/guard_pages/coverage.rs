//! Nothing is left out: what the sources declare is called here.

use std::fmt::Debug;

use crate::common::cases;

const INTERFACE: &str =
    concat!(include_str!("../../src/interface.rs"), include_str!("../../src/interface/conv2d.rs"),);
const TESTS: [&str; 6] = [
    include_str!("channels.rs"),
    include_str!("convolution.rs"),
    include_str!("elements.rs"),
    include_str!("layers.rs"),
    include_str!("losses.rs"),
    include_str!("optimizers.rs"),
];

/// What stands between the brackets of an item without indentation.
fn body<'a>(source: &'a str, item: &str) -> &'a str {
    let (_, rest) = source.split_once(item).unwrap_or_else(|| panic!("there is no {item}"));
    rest.split_once("\n}").expect("it ends").0
}

/// The methods of a trait that are handed memory.
fn methods(of: &str) -> Vec<&str> {
    let memory = ["[Self::Real]", "[R]", "[u8]", "Rows<"];
    let all = body(INTERFACE, of).split("\n    fn ").skip(1);
    let signatures = all.map(|method| &method[..method.find([';', '{']).expect("it ends")]);
    // An array's length follows a semicolon: what comes before it names the numbers already.
    let handed = signatures.filter(|signature| memory.iter().any(|kind| signature.contains(kind)));
    handed.map(|signature| signature.split(['(', '<']).next().expect("a name")).collect()
}

#[test]
fn every_method_that_is_handed_memory_has_a_test() {
    let calls = TESTS.concat().split_whitespace().collect::<String>();
    for (of, receiver, least) in [
        ("pub trait Kernels", "fast", 40),
        ("pub trait Conv2dKernel", "kernel", 8),
        ("pub trait Conv2dBatch", "batch", 2),
    ] {
        let methods = methods(of);
        assert!(methods.len() >= least, "{of} has more methods than {methods:?}");
        for method in methods {
            let call = format!("{receiver}.{method}(");
            assert!(calls.contains(&call), "no test in guard_pages calls {call}...)");
        }
    }
}

/// Every variant is among the cases, whose names begin with the variant's.
fn assert_all(source: &str, item: &str, cases: impl Iterator<Item = impl Debug>) {
    let cases: Vec<String> = cases.map(|case| format!("{case:?}")).collect();
    let lines = body(source, item).lines().filter_map(|line| line.strip_prefix("    "));
    let variants = lines.filter(|line| line.starts_with(char::is_uppercase));
    for variant in variants {
        let name = variant.split([' ', '(', ',']).next().expect("a name");
        let named = |case: &String| {
            case.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        assert!(cases.iter().any(named), "{item}: no case of {name} in {cases:?}");
    }
}

#[test]
fn the_cases_have_everything_that_there_is() {
    let optimizer = include_str!("../../src/optimizer.rs");
    let loss = include_str!("../../src/loss.rs");
    assert_all(INTERFACE, "pub enum Activation", cases::ACTIVATIONS.into_iter());
    assert_all(optimizer, "pub enum Rule", cases::RULES.into_iter());
    assert_all(loss, "pub enum Formula", cases::losses().map(|loss| loss.formula));
}
