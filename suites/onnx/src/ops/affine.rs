//! Convolutions and products of matrices.

use lenslet_model::add;
use lenslet_model::layers::{Conv2D, Dense, Rescaling, ZeroPadding2D};

use super::window::{Windows, as_picture, from_picture};
use super::{Outputs, first, one};
use crate::case::{Array, Case};
use crate::run::{Weight, outputs};

pub(super) fn conv(case: &Case) -> Result<Outputs, String> {
    let (x, w) = (first(case)?, case.input(1).ok_or("it has no filters")?);
    let (x, was_1d) = as_picture(x)?;
    let mut filters = w.clone();
    if was_1d {
        filters.dims.insert(2, 1);
    }
    let [count, _, height, width] = filters.dims[..] else {
        return Err("filters of this many axes".to_owned());
    };
    let windows = Windows::new(case, &x, [height, width])?;
    let bias = case.input(2);
    let layer = Conv2D::new(count, (height, width))
        .strides((windows.strides[0], windows.strides[1]))
        .dilation_rate((windows.dilations[0], windows.dilations[1]))
        .groups(case.int("group", 1) as usize)
        .use_bias(bias.is_some());
    let mut weights: Vec<Weight> = vec![("conv", "kernel", filters.transposed(&[2, 3, 1, 0]).data)];
    weights.extend(bias.map(|bias| ("conv", "bias", bias.data.clone())));
    let pads = windows.pads;
    let y = outputs(&[&x.channels_last()], &weights, |x| {
        x[0].apply(ZeroPadding2D::new(pads)).apply_named("conv", layer)
    })?;
    Ok(one(from_picture(y.channels_first(), was_1d)))
}

pub(super) fn conv_transpose(_: &Case) -> Result<Outputs, String> {
    Err("there is no transposed convolution".to_owned())
}

/// `alpha A B + beta C`: a dense layer, and another value that is added.
pub(super) fn gemm(case: &Case) -> Result<Outputs, String> {
    let (a, b) = (first(case)?, case.input(1).ok_or("it has no second matrix")?);
    let turned = |x: &Array, name: &str| match case.int(name, 0) {
        0 => x.clone(),
        _ => x.transposed(&[1, 0]),
    };
    let (a, b) = (turned(a, "transA"), turned(b, "transB"));
    let (alpha, beta) = (case.float("alpha", 1.0), case.float("beta", 1.0));
    let (rows, columns) = (a.dims[0], b.dims[1]);
    let weights: [Weight; 1] = [("dense", "kernel", b.data.clone())];
    let layer = Dense::new(columns).use_bias(false);
    let Some(c) = case.input(2) else {
        let y = outputs(&[&a], &weights, |x| {
            x[0].apply_named("dense", layer).apply(Rescaling::new(alpha))
        });
        return Ok(one(y?));
    };
    // One row for each sample.
    let c = match c.dims[..] {
        [n, m] if n == rows => c.clone().reshaped([rows, m]),
        _ => Array::of([rows, c.data.len()], c.data.repeat(rows)),
    };
    let y = outputs(&[&a, &c], &weights, |x| {
        let product = x[0].apply_named("dense", layer).apply(Rescaling::new(alpha));
        add([product, x[1].apply(Rescaling::new(beta))])
    })?;
    Ok(one(y))
}

pub(super) fn mat_mul(case: &Case) -> Result<Outputs, String> {
    let (a, b) = (first(case)?, case.input(1).ok_or("it has no second matrix")?);
    let [_, columns] = b.dims[..] else {
        return Err("the second is no single matrix: a layer's weights are one".to_owned());
    };
    if a.dims.len() != 2 {
        return Err("the first is no matrix".to_owned());
    }
    let weights: [Weight; 1] = [("dense", "kernel", b.data.clone())];
    let layer = Dense::new(columns).use_bias(false);
    Ok(one(outputs(&[a], &weights, |x| x[0].apply_named("dense", layer))?))
}
