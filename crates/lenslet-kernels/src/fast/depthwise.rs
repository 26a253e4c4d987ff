//! Depthwise convolution, with vectors along the channels.
//!
//! Some pixels of a row share each load of a filter ([`tiles`]); all channels of these pixels come
//! before the next ones, so that images are gone through in the order of memory.
//!
//! With several filters a channel, vectors go along the output's channels: each lane takes its
//! channel from a vector of the input ([`Filters::spread`]), and the input's gradient adds up the
//! lanes of a channel ([`Filters::gather`]).

mod filters;
mod tiles;

use super::map::{each_vector, load, store};
use crate::simd::{Simd, dispatch};
use crate::{DepthwiseShape, Isa};
use filters::{Filters, Many, One};
use tiles::{Meeting, TILE, Tile};

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
    dispatch!(isa, |s| match shape.multiplier {
        1 => forward_with(s, shape, One, x, w, bias, y),
        many => forward_with(s, shape, Many(many), x, w, bias, y),
    });
}

/// `dx` is overwritten.
pub(super) fn grad_input(isa: Isa, shape: &DepthwiseShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    check(shape, dx, w, &[], dy);
    dispatch!(isa, |s| match shape.multiplier {
        1 => grad_input_with(s, shape, One, dy, w, dx),
        many => grad_input_with(s, shape, Many(many), dy, w, dx),
    });
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
    dispatch!(isa, |s| match shape.multiplier {
        1 => grad_weights_with(s, shape, One, x, dy, dw, db),
        many => grad_weights_with(s, shape, Many(many), x, dy, dw, db),
    });
}

fn check(shape: &DepthwiseShape, x: &[f32], w: &[f32], bias: &[f32], y: &[f32]) {
    assert_eq!((x.len(), y.len()), (shape.window.input_len(), shape.output_len()));
    assert_eq!(w.len(), shape.weights_len());
    assert!(bias.is_empty() || bias.len() == shape.out_channels());
}

#[inline(always)]
fn forward_with<S: Simd>(
    s: S,
    shape: &DepthwiseShape,
    filters: impl Filters,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    let (channels, out) = (shape.window.channels, shape.out_channels());
    Tile::new().each_of_outputs(
        &shape.window,
        #[inline(always)]
        |tile| {
            each_vector(
                s,
                out,
                #[inline(always)]
                |c, n| {
                    let lanes = filters.lanes(s, c, n);
                    let bias = if bias.is_empty() { s.splat(0.0) } else { load(s, bias, c, n) };
                    let mut sums = [bias; TILE];
                    if tile.begun() {
                        each_pixel(
                            tile,
                            #[inline(always)]
                            |i, pixel| sums[i] = load(s, y, pixel * out + c, n),
                        );
                    }
                    for meeting in tile.meetings() {
                        let w = load(s, w, meeting.tap * out + c, n);
                        met(
                            meeting,
                            #[inline(always)]
                            |i| {
                                let x =
                                    filters.spread(s, x, tile.other(meeting, i) * channels, &lanes);
                                sums[i] = s.mul_add(x, w, sums[i]);
                            },
                        );
                    }
                    each_pixel(
                        tile,
                        #[inline(always)]
                        |i, pixel| store(s, y, pixel * out + c, n, sums[i]),
                    );
                },
            );
        },
    );
}

#[inline(always)]
fn grad_input_with<S: Simd, F: Filters>(
    s: S,
    shape: &DepthwiseShape,
    filters: F,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
) {
    let (channels, out) = (shape.window.channels, shape.out_channels());
    Tile::new().each_of_inputs(
        &shape.window,
        #[inline(always)]
        |tile| {
            if F::SHARED && !tile.begun() {
                each_pixel(
                    tile,
                    #[inline(always)]
                    |_, pixel| dx[pixel * channels..][..channels].fill(0.0),
                );
            }
            each_vector(
                s,
                out,
                #[inline(always)]
                |c, n| {
                    let lanes = filters.lanes(s, c, n);
                    let mut sums = [s.splat(0.0); TILE];
                    for meeting in tile.meetings() {
                        let w = load(s, w, meeting.tap * out + c, n);
                        met(
                            meeting,
                            #[inline(always)]
                            |i| {
                                let dy = load(s, dy, tile.other(meeting, i) * out + c, n);
                                sums[i] = s.mul_add(dy, w, sums[i]);
                            },
                        );
                    }
                    each_pixel(
                        tile,
                        #[inline(always)]
                        |i, pixel| {
                            let adds = F::SHARED || tile.begun();
                            filters.gather(s, sums[i], dx, pixel * channels, &lanes, adds);
                        },
                    );
                },
            );
        },
    );
}

#[inline(always)]
fn grad_weights_with<S: Simd>(
    s: S,
    shape: &DepthwiseShape,
    filters: impl Filters,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    let (channels, out) = (shape.window.channels, shape.out_channels());
    Tile::new().each_of_outputs(
        &shape.window,
        #[inline(always)]
        |tile| {
            each_vector(
                s,
                out,
                #[inline(always)]
                |c, n| {
                    let lanes = filters.lanes(s, c, n);
                    let mut dys = [s.splat(0.0); TILE];
                    each_pixel(
                        tile,
                        #[inline(always)]
                        |i, pixel| dys[i] = load(s, dy, pixel * out + c, n),
                    );
                    for meeting in tile.meetings() {
                        let at = meeting.tap * out + c;
                        let mut sums = [load(s, dw, at, n), s.splat(0.0)];
                        met(
                            meeting,
                            #[inline(always)]
                            |i| {
                                let x =
                                    filters.spread(s, x, tile.other(meeting, i) * channels, &lanes);
                                sums[i % 2] = s.mul_add(x, dys[i], sums[i % 2]);
                            },
                        );
                        store(s, dw, at, n, s.add(sums[0], sums[1]));
                    }
                    if !db.is_empty() && !tile.begun() {
                        let [a, b, c2, d] = dys;
                        let sum = s.add(s.add(a, b), s.add(c2, d));
                        store(s, db, c, n, s.add(load(s, db, c, n), sum));
                    }
                },
            );
        },
    );
}

/// Calls `each` for the tile's pixels, with their numbers in the tile and in the image.
#[inline(always)]
fn each_pixel(tile: &Tile, mut each: impl FnMut(usize, usize)) {
    for i in 0..TILE {
        if let Some(pixel) = tile.pixel(i) {
            each(i, pixel);
        }
    }
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
