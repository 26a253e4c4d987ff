//! Windows over pictures: pooling, and where the windows stand.

use lenslet_model::layers::{
    Axes, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPool2D, Normalization, Rescaling,
    SumPool2D, ZeroPadding2D,
};
use lenslet_model::{Borders, Pair};

use super::{Outputs, first, one};
use crate::case::{Array, Case};
use crate::run::outputs;

/// `(N, C, W)` as pictures of one row, and whether they were that; other shapes are refused.
pub(super) fn as_picture(x: &Array) -> Result<(Array, bool), String> {
    match x.dims[..] {
        [_, _, _, _] => Ok((x.clone(), false)),
        [n, c, w] => Ok((x.clone().reshaped([n, c, 1, w]), true)),
        _ => Err("three dimensions: there are layers for pictures only".to_owned()),
    }
}

/// The way back.
pub(super) fn from_picture(mut y: Array, was_1d: bool) -> Array {
    if was_1d {
        y.dims.remove(2);
    }
    y
}

/// Where the windows of a node stand, for rows and for columns.
pub(super) struct Windows {
    pub(super) size: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    /// What is around the picture, with what rounding up adds.
    pub(super) pads: Borders,
    /// The same without the latter.
    asked: Borders,
    /// Of the picture.
    input: [usize; 2],
}

impl Windows {
    /// Of a picture `(N, C, H, W)`.
    pub(super) fn new(case: &Case, x: &Array, size: [usize; 2]) -> Result<Self, String> {
        let pair = |name: &str| {
            let given = case.ints(name).unwrap_or(&[]);
            match given {
                [] => [1, 1],
                [one] => [1, *one as usize],
                [h, w, ..] => [*h as usize, *w as usize],
            }
        };
        let (strides, dilations) = (pair("strides"), pair("dilations"));
        let input = [x.dims[2], x.dims[3]];
        let explicit = match case.ints("pads") {
            None => [0; 4],
            Some([left, right]) => [0, *left, 0, *right],
            Some(&[top, left, bottom, right]) => [top, left, bottom, right],
            Some(_) => return Err("pads of this many axes".to_owned()),
        };
        let [mut top, mut left, mut bottom, mut right] = explicit.map(|pad| pad.max(0) as usize);
        let auto = case.text("auto_pad", "NOTSET");
        if auto.starts_with("SAME") {
            let sides = [0, 1].map(|i| {
                let span = (size[i] - 1) * dilations[i] + 1;
                let outputs = input[i].div_ceil(strides[i]);
                let all = ((outputs - 1) * strides[i] + span).saturating_sub(input[i]);
                let less = all / 2;
                if auto == "SAME_LOWER" { [all - less, less] } else { [less, all - less] }
            });
            [[top, bottom], [left, right]] = sides;
        }
        let asked = Borders { top, bottom, left, right };
        let mut pads = asked;
        if case.int("ceil_mode", 0) != 0 {
            // Room for a last window, if it begins before the end.
            let more = |i: usize, before: usize, after: usize| {
                let (span, all) = ((size[i] - 1) * dilations[i] + 1, before + input[i] + after);
                let last = (all - span).div_ceil(strides[i]) * strides[i];
                if last < before + input[i] { (last + span).saturating_sub(all) } else { 0 }
            };
            pads.bottom += more(0, top, bottom);
            pads.right += more(1, left, right);
        }
        Ok(Self { size, strides, dilations, pads, asked, input })
    }

    fn of_pool(case: &Case, x: &Array) -> Result<Self, String> {
        let size = match case.ints("kernel_shape") {
            Some([width]) => [1, *width as usize],
            Some(&[height, width]) => [height as usize, width as usize],
            _ => return Err("three dimensions: there are layers for pictures only".to_owned()),
        };
        let windows = Self::new(case, x, size)?;
        if windows.dilations != [1, 1] {
            return Err("the taps of a pool's window are not apart in Keras".to_owned());
        }
        Ok(windows)
    }

    fn size(&self) -> Pair {
        Pair(self.size[0], self.size[1])
    }

    fn strides(&self) -> Pair {
        Pair(self.strides[0], self.strides[1])
    }

    /// How many numbers of the picture, or of what is around it as far as that counts, each window
    /// holds: rows times columns.
    fn counts(&self, with_pads: bool) -> Vec<f64> {
        let along = |i: usize, before: usize, after: usize, more: usize| -> Vec<f64> {
            let all = before + self.input[i] + after + more;
            let counted = match with_pads {
                true => 0..before + self.input[i] + after,
                false => before..before + self.input[i],
            };
            let starts = (0..=all - self.size[i]).step_by(self.strides[i]);
            let inside = |start| (start..start + self.size[i]).filter(|at| counted.contains(at));
            starts.map(|start| inside(start).count() as f64).collect()
        };
        let (asked, pads) = (self.asked, self.pads);
        let rows = along(0, asked.top, asked.bottom, pads.bottom - asked.bottom);
        let columns = along(1, asked.left, asked.right, pads.right - asked.right);
        rows.iter().flat_map(|row| columns.iter().map(move |column| row * column)).collect()
    }
}

/// Zeros around would win over what is below zero, so that is lifted first, and let down again.
pub(super) fn max_pool(case: &Case) -> Result<Outputs, String> {
    if case.node.output.len() > 1 {
        return Err("where the largest was is no output of the layer".to_owned());
    }
    let (x, was_1d) = as_picture(first(case)?)?;
    let windows = Windows::of_pool(case, &x)?;
    let least = x.data.iter().copied().fold(0.0, f32::min);
    let lift = if windows.pads == Borders::default() { 0.0 } else { f64::from(-least).ceil() };
    let layer = MaxPool2D::new(windows.size()).strides(windows.strides());
    let y = outputs(&[&x.channels_last()], &[], |x| {
        let lifted = x[0].apply(Rescaling::new(1.0).offset(lift));
        let y = lifted.apply(ZeroPadding2D::new(windows.pads)).apply(layer);
        y.apply(Rescaling::new(1.0).offset(-lift))
    })?;
    Ok(one(from_picture(y.channels_first(), was_1d)))
}

/// The sum of each window, over how many numbers it holds: Keras's mean knows no zeros around.
pub(super) fn average_pool(case: &Case) -> Result<Outputs, String> {
    let (x, was_1d) = as_picture(first(case)?)?;
    let windows = Windows::of_pool(case, &x)?;
    let counts = windows.counts(case.int("count_include_pad", 0) != 0);
    let channels = x.dims[1];
    // A division by the root of what is called the variance there.
    let variance: Vec<f64> =
        counts.iter().flat_map(|count| std::iter::repeat_n(count * count, channels)).collect();
    let over = Normalization::with(vec![0.0], variance).axis(Axes::from([1, 2, 3]));
    let layer = SumPool2D::new(windows.size()).strides(windows.strides());
    let y = outputs(&[&x.channels_last()], &[], |x| {
        x[0].apply(ZeroPadding2D::new(windows.pads)).apply(layer).apply(over)
    })?;
    Ok(one(from_picture(y.channels_first(), was_1d)))
}

pub(super) fn global_pool(case: &Case) -> Result<Outputs, String> {
    let (x, was_1d) = as_picture(first(case)?)?;
    let y = outputs(&[&x.channels_last()], &[], |x| match case.node.op_type.as_str() {
        "GlobalMaxPool" => x[0].apply(GlobalMaxPooling2D::new().keepdims(true)),
        _ => x[0].apply(GlobalAveragePooling2D::new().keepdims(true)),
    })?;
    Ok(one(from_picture(y.channels_first(), was_1d)))
}
