//! The transforms of F(4x4, 3x3), each for a vector of channels.

use super::{IN, OUT};
use crate::simd::Simd;

/// The tile of what `load(y, x)` returns. A closure that is not `#[inline(always)]`, or a function
/// by its name, would be called without the vector instructions enabled.
#[inline(always)]
pub(in crate::conv2d) fn tile_of<S: Simd>(
    s: S,
    load: impl Fn(usize, usize) -> S::F32,
) -> [[S::F32; IN]; IN] {
    let mut d = [[s.splat(0.0); IN]; IN];
    for (y, row) in d.iter_mut().enumerate() {
        for (x, d) in row.iter_mut().enumerate() {
            *d = load(y, x);
        }
    }
    d
}

/// `B' d B` of the tile that `load(y, x)` returns: calls `put(y, row)` for each of its rows. Those in the
/// middle come first, then the outer two: for all at once there are too few registers. The closures
/// are to be `#[inline(always)]`, see [`tile_of`]. Returns all bits that any of the tile's numbers
/// has: none where they are zero.
#[inline(always)]
pub(in crate::conv2d) fn inputs<S: Simd>(
    s: S,
    load: impl Fn(usize, usize) -> S::F32,
    mut put: impl FnMut(usize, [S::F32; IN]),
) -> S::U32 {
    let mut columns = [[s.splat(0.0); 4]; IN];
    for (x, column) in columns.iter_mut().enumerate() {
        *column = inner(s, [load(1, x), load(2, x), load(3, x), load(4, x)]);
    }
    for y in 0..4 {
        put(y + 1, input(s, row(s, &columns, y)));
    }
    let mut columns = [[s.splat(0.0); 2]; IN];
    let mut bits = s.splat_u32(0);
    for (x, column) in columns.iter_mut().enumerate() {
        let d = [load(0, x), load(1, x), load(2, x), load(3, x), load(4, x), load(5, x)];
        *column = outer(s, d);
        for d in d {
            bits = s.or(bits, s.to_bits(d));
        }
    }
    put(0, input(s, row(s, &columns, 0)));
    put(IN - 1, input(s, row(s, &columns, 1)));
    bits
}

/// The `y`-th numbers.
#[inline(always)]
fn row<S: Simd, const H: usize>(s: S, columns: &[[S::F32; H]; IN], y: usize) -> [S::F32; IN] {
    let mut row = [s.splat(0.0); IN];
    for (to, column) in row.iter_mut().zip(columns) {
        *to = column[y];
    }
    row
}

/// `m A`.
#[inline(always)]
pub(in crate::conv2d) fn output_rows<S: Simd>(s: S, m: [[S::F32; IN]; IN]) -> [[S::F32; OUT]; IN] {
    let mut rows = [[s.splat(0.0); OUT]; IN];
    for (to, from) in rows.iter_mut().zip(m) {
        *to = output(s, from);
    }
    rows
}

/// `A' m A` from `m A`, each number of it finished.
#[inline(always)]
pub(in crate::conv2d) fn outputs<S: Simd>(
    s: S,
    rows: [[S::F32; OUT]; IN],
    finish: impl Fn(S::F32) -> S::F32,
) -> [[S::F32; OUT]; OUT] {
    columns(
        s,
        rows,
        #[inline(always)]
        |column| {
            let mut column = output(s, column);
            for value in &mut column {
                *value = finish(*value);
            }
            column
        },
    )
}

/// `G g G'`.
#[inline(always)]
pub(in crate::conv2d) fn filters<S: Simd>(s: S, g: [[S::F32; 3]; 3]) -> [[S::F32; IN]; IN] {
    let mut rows = [[s.splat(0.0); IN]; 3];
    for (to, from) in rows.iter_mut().zip(g) {
        *to = filter(s, from);
    }
    columns(
        s,
        rows,
        #[inline(always)]
        |column| filter(s, column),
    )
}

/// `f` of every column.
#[inline(always)]
pub(in crate::conv2d) fn columns<S: Simd, const M: usize, const N: usize, const W: usize>(
    s: S,
    from: [[S::F32; W]; M],
    f: impl Fn([S::F32; M]) -> [S::F32; N],
) -> [[S::F32; W]; N] {
    let mut to = [[s.splat(0.0); W]; N];
    for i in 0..W {
        let mut column = [s.splat(0.0); M];
        for j in 0..M {
            column[j] = from[j][i];
        }
        let column = f(column);
        for j in 0..N {
            to[j][i] = column[j];
        }
    }
    to
}

/// `B' d`.
#[inline(always)]
pub(in crate::conv2d) fn input<S: Simd>(s: S, d: [S::F32; IN]) -> [S::F32; IN] {
    let [first, last] = outer(s, d);
    let [a, b, c, d] = inner(s, [d[1], d[2], d[3], d[4]]);
    [first, a, b, c, d, last]
}

/// The first and the last of `B' d`.
#[inline(always)]
fn outer<S: Simd>(s: S, [d0, d1, d2, d3, d4, d5]: [S::F32; IN]) -> [S::F32; 2] {
    [
        s.mul_add(s.splat(4.0), d0, s.mul_add(s.splat(-5.0), d2, d4)),
        s.mul_add(s.splat(4.0), d1, s.mul_add(s.splat(-5.0), d3, d5)),
    ]
}

/// The others.
#[inline(always)]
fn inner<S: Simd>(s: S, [d1, d2, d3, d4]: [S::F32; 4]) -> [S::F32; 4] {
    let even = s.mul_add(s.splat(-4.0), d2, d4);
    let odd = s.mul_add(s.splat(-4.0), d1, d3);
    let even_2 = s.sub(d4, d2);
    let odd_2 = s.sub(d3, d1);
    [
        s.add(even, odd),
        s.sub(even, odd),
        s.mul_add(s.splat(2.0), odd_2, even_2),
        s.mul_add(s.splat(-2.0), odd_2, even_2),
    ]
}

/// `A' m`.
#[inline(always)]
pub(in crate::conv2d) fn output<S: Simd>(
    s: S,
    [m0, m1, m2, m3, m4, m5]: [S::F32; 6],
) -> [S::F32; 4] {
    let (even, odd) = (s.add(m1, m2), s.sub(m1, m2));
    let (even_2, odd_2) = (s.add(m3, m4), s.sub(m3, m4));
    [
        s.add(s.add(m0, even), even_2),
        s.mul_add(s.splat(2.0), odd_2, odd),
        s.mul_add(s.splat(4.0), even_2, even),
        s.add(s.mul_add(s.splat(8.0), odd_2, odd), m5),
    ]
}

/// `G g`.
#[inline(always)]
fn filter<S: Simd>(s: S, [g0, g1, g2]: [S::F32; 3]) -> [S::F32; 6] {
    let times = |k: f32, x| s.mul(s.splat(k), x);
    let outer = times(-1.0 / 6.0, s.add(g0, g2));
    let middle = times(1.0 / 6.0, g1);
    let outer_2 = s.mul_add(s.splat(1.0 / 24.0), g0, times(1.0 / 6.0, g2));
    let middle_2 = times(1.0 / 12.0, g1);
    [
        times(0.25, g0),
        s.sub(outer, middle),
        s.add(outer, middle),
        s.add(outer_2, middle_2),
        s.sub(outer_2, middle_2),
        g2,
    ]
}
