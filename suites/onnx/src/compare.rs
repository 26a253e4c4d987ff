//! What came, beside what should have come.

use crate::case::{Array, Case};
use crate::manifest::Outcome;
use crate::ops::Outputs;

/// The suite's tolerances: `onnx/backend/test/case/test_case.py`.
const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-7;

pub(crate) fn outcome(case: &Case, outputs: &Outputs) -> Outcome {
    for (index, (got, expected)) in outputs.iter().zip(&case.outputs).enumerate() {
        let Some(got) = got else { continue };
        if let Err(what) = equal(got, expected) {
            return Outcome::Fail(format!("output {index}: {what}"));
        }
    }
    let missing: Vec<&str> = (outputs.iter().zip(&case.node.output))
        .filter_map(|(output, name)| output.is_none().then_some(name.as_str()))
        .collect();
    match missing.is_empty() {
        true if outputs.len() == case.outputs.len() => Outcome::Pass,
        true => Outcome::Fail(format!("{} outputs, not {}", outputs.len(), case.outputs.len())),
        false => Outcome::Part(format!("no layer gives {}", missing.join(", "))),
    }
}

/// As NumPy's `assert_allclose` has it.
fn equal(got: &Array, expected: &Array) -> Result<(), String> {
    if got.dims != expected.dims {
        return Err(format!("it has the shape {:?}, not {:?}", got.dims, expected.dims));
    }
    for (i, (&got, &expected)) in got.data.iter().zip(&expected.data).enumerate() {
        let (a, b) = (f64::from(got), f64::from(expected));
        let near = a == b || (a - b).abs() <= ABSOLUTE + RELATIVE * b.abs();
        if !(near || (a.is_nan() && b.is_nan())) {
            return Err(format!("number {i} is {got}, not {expected}"));
        }
    }
    Ok(())
}
