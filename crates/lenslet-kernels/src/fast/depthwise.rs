//! Depthwise convolution, with vectors along the channels.
//!
//! Some pixels of a row share each load of a filter ([`tiles`]); all channels of these pixels come
//! before the next ones, so that images are gone through in the order of memory.
//!
//! Several filters a channel are rare, and so are very large windows: they go the reference's way.

mod tiles;

use super::map::{each_vector, load, store};
use crate::reference::depthwise as scalar;
use crate::simd::{Simd, dispatch};
use crate::{DepthwiseShape, Isa, Pool2dShape};
use tiles::{Meeting, TAPS, TILE, Tile};

/// `y = conv(x, w) + bias`.
pub(super) fn forward(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    check(shape, x, w, bias, y);
    if is_rare(shape) {
        return scalar::forward(shape, x, w, bias, y);
    }
    dispatch!(isa, |s| forward_with(s, &shape.window, x, w, bias, y));
}

/// `dx` is overwritten.
pub(super) fn grad_input(isa: Isa, shape: &DepthwiseShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    check(shape, dx, w, &[], dy);
    if is_rare(shape) {
        return scalar::grad_input(shape, dy, w, dx);
    }
    dispatch!(isa, |s| grad_input_with(s, &shape.window, dy, w, dx));
}

/// Adds to `dw` and `db`.
pub(super) fn grad_weights(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    check(shape, x, dw, db, dy);
    if is_rare(shape) {
        return scalar::grad_weights(shape, x, dy, dw, db);
    }
    dispatch!(isa, |s| grad_weights_with(s, &shape.window, x, dy, dw, db));
}

fn is_rare(shape: &DepthwiseShape) -> bool {
    shape.multiplier != 1 || shape.window.height.window * shape.window.width.window > TAPS
}

fn check(shape: &DepthwiseShape, x: &[f32], w: &[f32], bias: &[f32], y: &[f32]) {
    assert_eq!((x.len(), y.len()), (shape.window.input_len(), shape.output_len()));
    assert_eq!(w.len(), shape.weights_len());
    assert!(bias.is_empty() || bias.len() == shape.out_channels());
}

#[inline(always)]
fn forward_with<S: Simd>(
    s: S,
    shape: &Pool2dShape,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    Tile::new().each_of_outputs(
        shape,
        #[inline(always)]
        |tile| gather(s, tile, shape.channels, x, w, bias, y),
    );
}

#[inline(always)]
fn grad_input_with<S: Simd>(s: S, shape: &Pool2dShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    Tile::new().each_of_inputs(
        shape,
        #[inline(always)]
        |tile| gather(s, tile, shape.channels, dy, w, &[], dx),
    );
}

/// Sums up for the pixels of a tile what they meet in `from`, times the filter.
#[inline(always)]
fn gather<S: Simd>(
    s: S,
    tile: &Tile,
    channels: usize,
    from: &[f32],
    w: &[f32],
    bias: &[f32],
    to: &mut [f32],
) {
    each_vector(
        s,
        channels,
        #[inline(always)]
        |c, n| {
            let bias = if bias.is_empty() { s.splat(0.0) } else { load(s, bias, c, n) };
            let mut sums = [bias; TILE];
            for meeting in tile.meetings() {
                let w = load(s, w, meeting.tap * channels + c, n);
                met(
                    meeting,
                    #[inline(always)]
                    |i| {
                        let x = load(s, from, tile.other(meeting, i) * channels + c, n);
                        sums[i] = s.mul_add(x, w, sums[i]);
                    },
                );
            }
            for (i, sum) in sums.into_iter().enumerate() {
                if let Some(pixel) = tile.pixel(i) {
                    store(s, to, pixel * channels + c, n, sum);
                }
            }
        },
    );
}

#[inline(always)]
fn grad_weights_with<S: Simd>(
    s: S,
    shape: &Pool2dShape,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    let channels = shape.channels;
    Tile::new().each_of_outputs(
        shape,
        #[inline(always)]
        |tile| {
            each_vector(
                s,
                channels,
                #[inline(always)]
                |c, n| {
                    let mut dys = [s.splat(0.0); TILE];
                    for (i, of) in dys.iter_mut().enumerate() {
                        if let Some(pixel) = tile.pixel(i) {
                            *of = load(s, dy, pixel * channels + c, n);
                        }
                    }
                    for meeting in tile.meetings() {
                        let at = meeting.tap * channels + c;
                        let mut sums = [load(s, dw, at, n), s.splat(0.0)];
                        met(
                            meeting,
                            #[inline(always)]
                            |i| {
                                let x = load(s, x, tile.other(meeting, i) * channels + c, n);
                                sums[i % 2] = s.mul_add(x, dys[i], sums[i % 2]);
                            },
                        );
                        store(s, dw, at, n, s.add(sums[0], sums[1]));
                    }
                    if !db.is_empty() {
                        let [a, b, c2, d] = dys;
                        let sum = s.add(s.add(a, b), s.add(c2, d));
                        store(s, db, c, n, s.add(load(s, db, c, n), sum));
                    }
                },
            );
        },
    );
}

/// Calls `each` for the pixels of a tile that meet one.
#[inline(always)]
fn met(meeting: &Meeting, mut each: impl FnMut(usize)) {
    if meeting.all() {
        // Known to be all: nothing is asked in the loop.
        for i in 0..TILE {
            each(i);
        }
    } else {
        for i in 0..TILE {
            if meeting.met(i) {
                each(i);
            }
        }
    }
}
