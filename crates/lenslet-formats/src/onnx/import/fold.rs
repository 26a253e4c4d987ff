//! What depends on constants alone, or on the shapes of values: exporters compute shapes and
//! borders with operators.
//!
//! The size of the batch is not known; as a part of a shape it is 0, which `Reshape` takes for "as
//! it was".

use super::super::{Tensor, TensorData};
use super::axes::from_end;
use super::grown::{Grown, permutation};
use super::operator::Operator;
use crate::FormatError;
use crate::permute::permuted;

/// The most whole numbers that an operator makes of a size alone.
const MOST: i64 = 64;

/// The constant that a node gives; `None` where it takes values.
pub(super) fn fold(node: &mut Operator<'_>, grown: &Grown) -> Result<Option<Tensor>, FormatError> {
    if node.op() == "Shape" {
        return shape(node, grown).map(Some);
    }
    if node.op() == "Constant" {
        return constant(node).map(Some);
    }
    let inputs: Option<Vec<&Tensor>> =
        node.inputs().iter().map(|name| grown.constant(name)).collect();
    let Some((first, others)) = inputs.as_deref().and_then(<[_]>::split_first) else {
        return Ok(None);
    };
    if node.op() == "Identity" {
        return Ok(Some((*first).clone()));
    }
    if let TensorData::Float(numbers) = &first.data {
        return match node.op() {
            "Transpose" => transposed(node, &first.dims, numbers, TensorData::Float).map(Some),
            _ => Err(no_fold(node)),
        };
    }
    let others: Option<Vec<Vec<i64>>> = others.iter().map(|tensor| whole(tensor)).collect();
    let (Some(numbers), Some(others)) = (whole(first), others) else {
        return Err(no_fold(node));
    };
    whole_numbers(node, &first.dims, &numbers, &others).map(Some)
}

fn no_fold(node: &Operator<'_>) -> FormatError {
    node.no_layer("it computes with constants alone")
}

/// A tensor's whole numbers.
fn whole(tensor: &Tensor) -> Option<Vec<i64>> {
    match &tensor.data {
        TensorData::Int64(x) => Some(x.clone()),
        TensorData::Int32(x) => Some(x.iter().map(|&x| i64::from(x)).collect()),
        _ => None,
    }
}

fn tensor(dims: Vec<usize>, numbers: Vec<i64>) -> Tensor {
    Tensor { name: String::new(), dims, data: TensorData::Int64(numbers) }
}

fn list(numbers: Vec<i64>) -> Tensor {
    tensor(vec![numbers.len()], numbers)
}

/// The shape of a value, from one axis to another.
fn shape(node: &mut Operator<'_>, grown: &Grown) -> Result<Tensor, FormatError> {
    let x = node.whole(0, grown)?;
    let mut all = vec![0];
    all.extend(x.graph_dims().into_iter().map(|d| i64::try_from(d).expect("a shape was checked")));
    let axes = i64::try_from(all.len()).expect("it has few axes");
    let [start, end] = [node.int("start", 0)?, node.int("end", axes)?].map(|at| {
        let at = if at < 0 { at.saturating_add(axes) } else { at };
        at.clamp(0, axes) as usize
    });
    Ok(list(all.get(start..end).unwrap_or_default().to_vec()))
}

/// The tensor of a `Constant`.
fn constant(node: &mut Operator<'_>) -> Result<Tensor, FormatError> {
    if let Some(tensor) = node.tensor("value")? {
        return Ok(tensor);
    }
    if let Some(numbers) = node.ints("value_ints")? {
        return Ok(list(numbers));
    }
    // Whichever is there: the other is left out, and must not be taken for 0.
    let float = node.float("value_float", f32::NAN)?;
    if !float.is_nan() {
        let (name, dims) = (String::new(), Vec::new());
        return Ok(Tensor { name, dims, data: TensorData::Float(vec![float]) });
    }
    let int = node.int("value_int", i64::MIN)?;
    if int != i64::MIN {
        return Ok(tensor(Vec::new(), vec![int]));
    }
    Err(node.no_layer("it has no tensor, number or list of whole numbers"))
}

fn transposed<T: Copy>(
    node: &mut Operator<'_>,
    dims: &[usize],
    numbers: &[T],
    data: fn(Vec<T>) -> TensorData,
) -> Result<Tensor, FormatError> {
    let reversed: Vec<usize> = (0..dims.len()).rev().collect();
    let order = match node.ints("perm")? {
        Some(perm) => permutation(&perm, dims.len())
            .ok_or_else(|| node.error("perm is no order of axes", "export it again"))?,
        None => reversed,
    };
    let data = data(permuted(numbers, dims, &order));
    Ok(Tensor { name: String::new(), dims: order.iter().map(|&axis| dims[axis]).collect(), data })
}

/// Operators on whole numbers, as far as exporters need them.
fn whole_numbers(
    node: &mut Operator<'_>,
    dims: &[usize],
    numbers: &[i64],
    others: &[Vec<i64>],
) -> Result<Tensor, FormatError> {
    match (node.op(), others) {
        ("Transpose", []) => transposed(node, dims, numbers, TensorData::Int64),
        ("Cast", []) => {
            const INT64: i64 = 7;
            node.only("to", INT64)?;
            Ok(tensor(dims.to_vec(), numbers.to_vec()))
        }
        ("ConstantOfShape", []) => filled(node, numbers),
        ("Concat", _) => {
            node.int("axis", 0)?;
            Ok(list([&[numbers.to_vec()], others].concat().concat()))
        }
        ("Gather", [index]) => {
            node.only("axis", 0)?;
            let at = |&at: &i64| from_end(at, numbers.len()).map(|at| numbers[at]);
            let taken: Option<Vec<i64>> = index.iter().map(at).collect();
            match taken {
                Some(taken) if taken.len() == 1 => Ok(tensor(Vec::new(), taken)),
                Some(taken) => Ok(list(taken)),
                None => Err(no_fold(node)),
            }
        }
        ("Unsqueeze", _) if numbers.len() == 1 => {
            node.ignore("axes");
            Ok(list(numbers.to_vec()))
        }
        ("Squeeze", _) if numbers.len() == 1 => {
            node.ignore("axes");
            Ok(tensor(Vec::new(), numbers.to_vec()))
        }
        ("Reshape", [target]) => reshaped(node, numbers, target),
        ("Slice", [starts, ends, more @ ..]) => sliced(node, dims, numbers, starts, ends, more),
        ("Add" | "Sub" | "Mul" | "Div", [other]) => arithmetic(node, dims, numbers, other),
        _ => Err(no_fold(node)),
    }
}

fn filled(node: &mut Operator<'_>, shape: &[i64]) -> Result<Tensor, FormatError> {
    let value = node.tensor("value")?;
    let number = match value.map(|tensor| tensor.data) {
        None => 0,
        Some(TensorData::Int64(numbers)) if numbers.len() == 1 => numbers[0],
        Some(_) => return Err(no_fold(node)),
    };
    match *shape {
        [length @ 0..=MOST] => Ok(list(vec![number; length as usize])),
        _ => Err(no_fold(node)),
    }
}

fn reshaped(
    node: &mut Operator<'_>,
    numbers: &[i64],
    target: &[i64],
) -> Result<Tensor, FormatError> {
    node.only("allowzero", 0)?;
    let known: usize = target
        .iter()
        .filter(|&&d| d > 0)
        .try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?))
        .filter(|&known| numbers.len().is_multiple_of(known))
        .ok_or_else(|| no_fold(node))?;
    let dim = |&d: &i64| if d > 0 { d as usize } else { numbers.len() / known };
    let dims: Vec<usize> = target.iter().map(dim).collect();
    let open = target.iter().filter(|&&d| d == -1).count();
    let all = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    if open > 1 || target.contains(&0) || all != Some(numbers.len()) {
        return Err(no_fold(node));
    }
    Ok(tensor(dims, numbers.to_vec()))
}

/// A part of the first axis, forwards or all of it backwards.
fn sliced(
    node: &mut Operator<'_>,
    dims: &[usize],
    numbers: &[i64],
    starts: &[i64],
    ends: &[i64],
    more: &[Vec<i64>],
) -> Result<Tensor, FormatError> {
    let axes = more.first().is_none_or(|axes| axes[..] == [0]);
    let step = more.get(1).map_or(Some(1), |steps| (steps.len() == 1).then(|| steps[0]));
    let ([start], [end], true) = (starts, ends, axes && !dims.is_empty()) else {
        return Err(no_fold(node));
    };
    let rows = dims[0];
    let row = numbers.len() / rows.max(1);
    let size = i64::try_from(rows).unwrap_or(i64::MAX);
    let place = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let taken: Vec<usize> = match step {
        Some(1) => {
            (place(*start).clamp(0, size) as usize..place(*end).clamp(0, size) as usize).collect()
        }
        Some(-1) if place(*start) >= size - 1 && place(*end) < 0 => (0..rows).rev().collect(),
        _ => return Err(no_fold(node)),
    };
    let part = taken.iter().flat_map(|&at| &numbers[at * row..(at + 1) * row]).copied().collect();
    let dims = [&[taken.len()], &dims[1..]].concat();
    Ok(tensor(dims, part))
}

fn arithmetic(
    node: &Operator<'_>,
    dims: &[usize],
    numbers: &[i64],
    other: &[i64],
) -> Result<Tensor, FormatError> {
    if other.len() != numbers.len() && other.len() != 1 {
        return Err(no_fold(node));
    }
    let other = |at: usize| if other.len() == 1 { other[0] } else { other[at] };
    let one = |(at, &x): (usize, &i64)| match node.op() {
        "Add" => x.checked_add(other(at)),
        "Sub" => x.checked_sub(other(at)),
        "Mul" => x.checked_mul(other(at)),
        _ => x.checked_div(other(at)),
    };
    let all: Option<Vec<i64>> = numbers.iter().enumerate().map(one).collect();
    Ok(tensor(dims.to_vec(), all.ok_or_else(|| no_fold(node))?))
}
