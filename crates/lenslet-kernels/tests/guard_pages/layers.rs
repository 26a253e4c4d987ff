//! Pooling and dense layers.

use std::ops::Range;

use lenslet_kernels::{Axis, InputGradient, Kernels, Pool2dShape, Rows, RowsMut, Rule};

use crate::common::cases::{ADAM, RULES};
use crate::common::narrow;
use crate::guarded::{Guard, Guarded};
use crate::optimizers::Learnt;
use crate::{Bench, each_kernel};

const CHANNELS: [usize; 9] = [1, 3, 4, 5, 8, 15, 16, 17, 33];

#[test]
fn pooling() {
    let (valid, same) = (Axis::valid, Axis::same);
    let axes = [
        valid(1, 1, 1, 1),
        same(1, 2, 2, 1),
        same(2, 3, 1, 1),
        valid(5, 2, 2, 1),
        same(5, 2, 2, 1),
        same(7, 3, 2, 1),
        same(9, 2, 3, 2),
        valid(11, 3, 1, 2),
        // Some of its windows hold nothing.
        same(2, 2, 1, 5),
    ];
    each_kernel(|fast, bench| {
        let axes = axes.into_iter().flatten();
        let pairs = axes.clone().flat_map(|height| axes.clone().map(move |width| (height, width)));
        for (height, width) in pairs {
            for channels in CHANNELS {
                let shape = Pool2dShape { height, width, channels };
                let (x, n) = (bench.numbers(shape.input_len()), shape.output_len());
                let (dy, mut argmax) = (bench.numbers(n), bench.indices(n));
                let (mut y, mut dx) = (bench.nothing(n), bench.nothing(x.len()));
                fast.max_pool_forward(&shape, &x, &mut y, &mut argmax);
                bench.keep(&y);
                for row in 0..height.output {
                    fast.max_pool_rows(&shape, row..row + 1, &x, &mut y, &mut argmax);
                }
                bench.keep(&y);
                fast.max_pool_backward(&dy, &argmax, &mut dx);
                bench.keep(&dx);
                fast.average_pool_forward(&shape, &x, &mut y);
                bench.keep(&y);
                fast.average_pool_backward(&shape, &dy, &mut dx);
                bench.keep(&dx);
                fast.sum_pool_forward(&shape, &x, &mut y);
                bench.keep(&y);
                fast.sum_pool_backward(&shape, &dy, &mut dx);
                bench.keep(&dx);
            }
        }
    });
}

/// Rows of a matrix: how many, how far apart, and where in them the columns lie. The first column
/// or the last one touches the guard page.
struct Matrix {
    rows: usize,
    stride: usize,
    columns: Range<usize>,
}

impl Matrix {
    fn new(guard: Guard, rows: usize, width: usize, gap: usize) -> Self {
        let start = if guard == Guard::Before { 0 } else { gap };
        Self { rows, stride: width + gap, columns: start..start + width }
    }

    /// Nothing yet.
    fn empty(&self, bench: &Bench) -> Guarded<f32> {
        bench.nothing((self.rows - 1) * self.stride + self.columns.end)
    }

    /// Numbers, but not in the gaps. Sometimes as a rectifier leaves them, for the kernels that
    /// skip zeros.
    fn random(&self, bench: &Bench) -> Guarded<f32> {
        let mut data = self.empty(bench);
        let least = bench.random.pick(&[0.0, f32::NEG_INFINITY]);
        for row in data.chunks_mut(self.stride) {
            let numbers = narrow(&bench.random.normal(self.columns.len()));
            let row = row[self.columns.clone()].iter_mut();
            row.zip(numbers).for_each(|(to, x)| *to = x.max(least));
        }
        data
    }

    fn of<'a>(&self, data: &'a [f32]) -> Rows<'a, f32> {
        Rows::new(data, self.rows, self.stride, self.columns.clone())
    }

    fn of_mut<'a>(&self, data: &'a mut [f32]) -> RowsMut<'a, f32> {
        RowsMut::new(data, self.rows, self.stride, self.columns.clone())
    }
}

/// Inputs, outputs and rows of dense layers.
fn sizes() -> impl Iterator<Item = (usize, usize, usize)> {
    const INPUTS: [usize; 8] = [1, 3, 8, 17, 33, 128, 257, 600];
    const OUTPUTS: [usize; 11] = [1, 3, 7, 8, 10, 16, 17, 31, 33, 65, 130];
    let layers = INPUTS.into_iter().flat_map(|inputs| OUTPUTS.map(|out| (inputs, out)));
    layers.flat_map(|(inputs, out)| [1, 2, 5, 13].map(|rows| (inputs, out, rows)))
}

#[test]
fn dense_layers() {
    each_kernel(|fast, bench| {
        for (case, (inputs, out, rows)) in sizes().enumerate() {
            let gap = case % 3;
            let with_bias = case % 2 == 0;
            let ins = Matrix::new(bench.guard, rows, inputs, gap);
            let outs = Matrix::new(bench.guard, rows, out, gap);
            let (x, dy) = (ins.random(bench), outs.random(bench));
            let (w, bias) =
                (bench.numbers(inputs * out), bench.numbers(if with_bias { out } else { 0 }));
            let (mut y, mut dx) = (outs.empty(bench), ins.empty(bench));
            let (mut dw, mut db) = (bench.nothing(w.len()), bench.nothing(bias.len()));
            let (x, dy) = (ins.of(&x), outs.of(&dy));
            for finite in [false, true] {
                fast.dense_forward(&bench.team, x, &w, &bias, finite, outs.of_mut(&mut y));
                fast.dense_forward_made(x, out, finite);
            }
            fast.dense_grad_input(&bench.team, dy, &w, ins.of_mut(&mut dx));
            fast.dense_grad_weights(&bench.team, x, dy, &mut dw);
            fast.dense_grad_bias(dy, &mut db);
            (0..rows).for_each(|row| bench.keep(outs.of(&y).row(row)));
            (0..rows).for_each(|row| bench.keep(ins.of(&dx).row(row)));
            bench.keep(&dw);
            bench.keep(&db);
        }
    });
}

#[test]
fn dense_layers_that_learn_as_they_go_back() {
    each_kernel(|fast, bench| {
        for (case, (inputs, out, rows)) in sizes().enumerate() {
            let gap = case % 3;
            let ins = Matrix::new(bench.guard, rows, inputs, gap);
            let outs = Matrix::new(bench.guard, rows, out, gap);
            let (x, dy) = (ins.random(bench), outs.random(bench));
            let (x, dy) = (ins.of(&x), outs.of(&dy));
            let mut learnt = Learnt::new(bench, inputs * out);
            let mut dx = ins.empty(bench);
            // Adam alone has a way of its own.
            for rule in [Rule::Adam(ADAM), RULES[case % RULES.len()]] {
                for rectified in [Some(true), Some(false), None] {
                    let dx = rectified
                        .map(|rectified| InputGradient { rows: ins.of_mut(&mut dx), rectified });
                    let (w, moments) = learnt.split();
                    fast.dense_backward_update(&bench.team, x, dy, dx, rule.into(), w, moments);
                }
            }
            (0..rows).for_each(|row| bench.keep(ins.of(&dx).row(row)));
            learnt.keep(bench);
        }
    });
}
