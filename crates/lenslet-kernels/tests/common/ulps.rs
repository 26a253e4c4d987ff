//! How far functions are off, and where to look: for the tests here, and those of the functions inside
//! the crate.

/// The error of `y` in units in the last place of the exact value, or of `size` where that is larger.
/// An infinity too early is as far off as the power of two behind the largest number; what is wrong
/// altogether is so by infinity.
pub(crate) fn ulps_of(size: f64, y: f32, exact: f64) -> f64 {
    let largest = f64::from(f32::MAX);
    if y.is_nan() || exact.is_nan() || exact.abs() >= largest {
        let right = match exact.is_nan() {
            true => y.is_nan(),
            false => f64::from(y) * exact.signum() >= largest,
        };
        return if right { 0.0 } else { f64::INFINITY };
    }
    let end = 2f64.powi(128);
    let y = f64::from(y).clamp(-end, end);
    let size = exact.abs().max(size).clamp(f64::from(f32::MIN_POSITIVE), largest);
    let ulp = f64::from_bits(size.to_bits() & !0 << 52) * f64::from(f32::EPSILON);
    (y - exact).abs() / ulp
}

/// The error of `y` in units in the last place of the exact value.
pub(crate) fn ulps(y: f32, exact: f64) -> f64 {
    ulps_of(0.0, y, exact)
}

/// Every `step`th number of both signs, and a thousand on both sides of where the functions change.
pub(crate) fn numbers(step: usize) -> Vec<f32> {
    const EDGES: [f32; 19] = [
        0.0,
        f32::MIN_POSITIVE,
        1e-30,
        0.346_573_6,
        0.9,
        1.0,
        3.0,
        3.92,
        3.95,
        6.0,
        9.01,
        17.4,
        20.0,
        30.0,
        87.4,
        88.72283,
        89.0,
        103.97,
        104.0,
    ];
    let sizes = (0..f32::INFINITY.to_bits()).step_by(step);
    let edges = EDGES.into_iter().flat_map(|x| {
        let bits = x.to_bits();
        bits.saturating_sub(1000)..bits + 1000
    });
    sizes.chain(edges).map(f32::from_bits).flat_map(|x| [x, -x]).collect()
}
