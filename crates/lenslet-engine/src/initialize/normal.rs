//! Normally distributed numbers.

use lenslet_kernels::Stream;

/// Element `i`'s standard normal number.
pub(super) fn normal(stream: &Stream, i: u64) -> f64 {
    four(stream, i)[0]
}

/// Element `i`'s standard normal number that lies within two deviations: the first one of as many
/// as it takes.
pub(super) fn truncated_normal(stream: &impl Fn(u64) -> Stream, i: u64) -> f64 {
    let within = |attempt| four(&stream(attempt), i).into_iter().find(|x| x.abs() <= 2.0);
    (0..).find_map(within).expect("one in 24 lies outside")
}

/// Four standard normal numbers from the four draws of block `i` (Box and Muller 1958).
fn four(stream: &Stream, i: u64) -> [f64; 4] {
    // Above zero, for the logarithm.
    let unit = |draw: u32| (f64::from(draw) + 0.5) / 4_294_967_296.0;
    let [a, b, c, d] = stream.block(i).map(unit);
    let pair = |radius: f64, angle: f64| {
        let (sin, cos) = (std::f64::consts::TAU * angle).sin_cos();
        let radius = (-2.0 * radius.ln()).sqrt();
        [radius * cos, radius * sin]
    };
    let ([w, x], [y, z]) = (pair(a, b), pair(c, d));
    [w, x, y, z]
}
