//! Who reads what, and where gradients go.

use lenslet_kernels::{Activation as Function, Kernels};

use super::{Op, Pool, Step, Value};

/// Steps that read each value without working in place, and the loss.
pub(super) fn readers<K: Kernels>(steps: &[Step<K>], values: usize, last: Value) -> Vec<usize> {
    let mut readers = vec![0; values];
    readers[last] = 1;
    for step in steps {
        for input in step.inputs().filter(|&input| input != step.output) {
            readers[input] += 1;
        }
    }
    readers
}

/// Which values' gradients the backward pass needs: those that depend on parameters.
pub(super) fn wanted<K: Kernels>(steps: &[Step<K>], values: usize) -> Vec<bool> {
    let mut wanted = vec![false; values];
    for step in steps {
        let own =
            step.summed().is_some() || matches!(step.op, Op::Dense { .. } | Op::Normalize { .. });
        if own || step.inputs().any(|input| wanted[input]) {
            wanted[step.output] = true;
        }
    }
    // The moments of what a normalisation takes pass on the sums of its gradients.
    for step in steps {
        if let Op::Normalize { .. } = step.op {
            step.others.iter().for_each(|&moments| wanted[moments] = true);
        }
    }
    wanted
}

/// For each input of each step, whether a later step's gradient is there already, to which its own
/// is added.
pub(super) fn adds<K: Kernels>(steps: &[Step<K>], values: usize, last: Value) -> Vec<Vec<bool>> {
    let mut written = vec![false; values];
    written[last] = true;
    let mut adds: Vec<_> = steps
        .iter()
        .rev()
        .map(|step| {
            // A normalisation's gradient goes back by way of the moments.
            let flows = !matches!(step.op, Op::Normalize { .. });
            let inputs = step.inputs().map(|input| {
                input != step.output && flows && std::mem::replace(&mut written[input], true)
            });
            inputs.collect()
        })
        .collect();
    adds.reverse();
    adds
}

/// Which values nothing goes back from where they are zero: what a rectifier made, and the largest of
/// that, even if dropout made some more of them zero.
pub(super) fn rectified<K: Kernels>(steps: &[Step<K>], values: usize) -> Vec<bool> {
    let mut rectified = vec![false; values];
    for step in steps {
        rectified[step.output] = match step.op {
            Op::Activate(Function::Relu) => true,
            Op::Dropout { .. } | Op::Pool { kind: Pool::Max, .. } => rectified[step.input],
            _ => false,
        };
    }
    rectified
}
