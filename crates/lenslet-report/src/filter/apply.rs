//! A filter on the pixels of a picture.

use lenslet_kernels::{Axis, Conv2dKernel, Conv2dShape, ReferenceConv2d, Team};

use super::Filter;
use super::kinds::Taps;

/// Convolves every colour channel of a picture of `[height, width, channels]` bytes with a filter;
/// the result has the same shape.
///
/// Beyond its edges the picture goes on with its outermost pixels, so that borders neither darken
/// nor show as edges. A filter with an even side reaches one pixel further right and down. Results
/// are rounded and cut to 0..=255; of Sobel's and Laplace's, which say "dark to bright" by their
/// sign, the absolute value is taken first. The last of two or four channels is alpha and stays.
///
/// The numbers run through the same convolution kernel that networks use.
///
/// # Panics
/// Where `pixels` is not `height * width * channels` long, or empty.
pub fn apply(filter: &Filter, pixels: &[u8], [height, width, channels]: [usize; 3]) -> Vec<u8> {
    let expected = height * width * channels;
    assert_eq!(pixels.len(), expected, "{height} x {width} x {channels} pixels");
    assert!(expected > 0, "a picture has pixels");
    let colours = if matches!(channels, 2 | 4) { channels - 1 } else { channels };
    let mut result = pixels.to_vec();
    for channel in 0..colours {
        let plane: Vec<f32> =
            pixels[channel..].iter().step_by(channels).map(|&value| f32::from(value)).collect();
        let filtered = filter_plane(filter, &plane, [height, width]);
        for (pixel, value) in result.chunks_exact_mut(channels).zip(filtered) {
            // `as` cuts to 0..=255.
            pixel[channel] = value.round() as u8;
        }
    }
    result
}

fn filter_plane(filter: &Filter, plane: &[f32], size: [usize; 2]) -> Vec<f32> {
    if let Some(line) = filter.line() {
        let across = Taps { rows: 1, columns: line.len(), values: line };
        let down = Taps { rows: across.columns, columns: 1, values: across.values.clone() };
        return convolve(&down, &convolve(&across, plane, size), size);
    }
    let mut responses = filter.taps().into_iter().map(|taps| convolve(&taps, plane, size));
    let first = responses.next().expect("a filter has numbers");
    match responses.next() {
        Some(second) => first.iter().zip(&second).map(|(x, y)| x.hypot(*y)).collect(),
        None if filter.is_edge() => first.iter().map(|value| value.abs()).collect(),
        None => first,
    }
}

fn convolve(taps: &Taps, plane: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let padded = extend(plane, [height, width], [taps.rows, taps.columns]);
    let axis = |input: usize, window: usize| {
        Axis::valid(input + window - 1, window, 1, 1).expect("the padding makes room")
    };
    let (height, width) = (axis(height, taps.rows), axis(width, taps.columns));
    let shape = Conv2dShape { height, width, in_channels: 1, out_channels: 1 };
    let weights: Vec<f32> = taps.values.iter().map(|&value| value as f32).collect();
    run(&ReferenceConv2d::new(shape), &padded, &weights)
}

fn run(kernel: &impl Conv2dKernel<f32>, x: &[f32], weights: &[f32]) -> Vec<f32> {
    let mut packed = vec![0.0; kernel.packed_len()];
    kernel.pack(&Team::new(1), weights, &mut packed, false);
    let mut y = vec![0.0; kernel.shape().output_len()];
    kernel.forward(x, &packed, &[], &mut y, &mut vec![0.0; kernel.scratch_len()]);
    y
}

/// The plane with its outermost pixels repeated, so that a window fits around every pixel.
fn extend(plane: &[f32], [height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let within =
        |at: usize, before: usize, length: usize| at.saturating_sub(before).min(length - 1);
    let mut padded = Vec::with_capacity((height + rows - 1) * (width + columns - 1));
    for y in 0..height + rows - 1 {
        let start = within(y, (rows - 1) / 2, height) * width;
        let line = &plane[start..start + width];
        padded.extend((0..width + columns - 1).map(|x| line[within(x, (columns - 1) / 2, width)]));
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(filter: &str, pixels: &[u8], shape: [usize; 3]) -> Vec<u8> {
        apply(&filter.parse().unwrap(), pixels, shape)
    }

    /// A step from 10 to 30 between the second and the third column.
    const STEP: [u8; 12] = [10, 10, 30, 30, 10, 10, 30, 30, 10, 10, 30, 30];

    #[test]
    fn sobel_sees_the_step_and_no_border() {
        // (1 + 2 + 1) * (30 - 10) on both sides of the step.
        let edge = [0, 80, 80, 0, 0, 80, 80, 0, 0, 80, 80, 0];
        assert_eq!(filtered("sobel-x", &STEP, [3, 4, 1]), edge);
        assert_eq!(filtered("sobel", &STEP, [3, 4, 1]), edge);
        assert_eq!(filtered("sobel-y", &STEP, [3, 4, 1]), [0; 12]);
    }

    #[test]
    fn values_by_hand() {
        let dot = [0, 0, 0, 0, 90, 0, 0, 0, 0];
        assert_eq!(filtered("box-blur:3", &dot, [3, 3, 1]), [10; 9]);
        // 8 * 90 is cut to 255; beside the dot |-90|.
        let around = [90, 90, 90, 90, 255, 90, 90, 90, 90];
        assert_eq!(filtered("laplacian", &dot, [3, 3, 1]), around);
        // 5 * 90 is cut to 255; beside it -90 is cut to 0.
        assert_eq!(filtered("sharpen", &dot, [3, 3, 1]), [0, 0, 0, 0, 255, 0, 0, 0, 0]);
        // The filter turned by 180 degrees, times 90, cut to 0..=255.
        let relief = [0, 0, 0, 0, 90, 90, 0, 90, 180];
        assert_eq!(filtered("emboss", &dot, [3, 3, 1]), relief);
        // sqrt(90^2 + 90^2) in the corners, 2 * 90 beside the dot.
        let ring = [127, 180, 127, 180, 0, 180, 127, 180, 127];
        assert_eq!(filtered("sobel", &dot, [3, 3, 1]), ring);
    }

    #[test]
    fn two_passes_are_the_whole_blur() {
        let plane: Vec<f32> = (0..63u16).map(|i| f32::from(i * 37 % 256)).collect();
        for name in ["box-blur:5", "gaussian-blur:1.3"] {
            let filter: Filter = name.parse().unwrap();
            let whole = convolve(&filter.taps()[0], &plane, [7, 9]);
            for (a, b) in filter_plane(&filter, &plane, [7, 9]).iter().zip(whole) {
                assert!((a - b).abs() < 1e-3, "{name}: {a} {b}");
            }
        }
    }

    #[test]
    fn numbers_are_laid_on_as_they_stand() {
        // The neighbour on the right; the last column repeats.
        assert_eq!(filtered("0 0 1", &[1, 2, 3, 4], [1, 4, 1]), [2, 3, 4, 4]);
        // An even side: the pixel itself, and the next.
        assert_eq!(filtered("0 1", &[1, 2, 3, 4], [1, 4, 1]), [2, 3, 4, 4]);
        assert_eq!(filtered("0; 1", &[1, 2, 3, 4], [2, 2, 1]), [3, 4, 3, 4]);
    }

    #[test]
    fn channels_stay_apart_and_alpha_stays() {
        let pixels = [1, 2, 3, 200, 5, 6, 7, 100];
        assert_eq!(filtered("2", &pixels, [1, 2, 4]), [2, 4, 6, 200, 10, 12, 14, 100]);
        assert_eq!(filtered("2", &pixels[..6], [1, 2, 3]), [2, 4, 6, 255, 10, 12]);
    }

    #[test]
    fn an_even_picture_stays_even() {
        for filter in ["box-blur:9", "gaussian-blur:2.5", "sharpen", "emboss"] {
            assert_eq!(filtered(filter, &[77; 12], [2, 2, 3]), [77; 12], "{filter}");
        }
        for filter in ["sobel", "sobel-x", "sobel-y", "laplacian"] {
            assert_eq!(filtered(filter, &[77; 12], [2, 2, 3]), [0; 12], "{filter}");
        }
    }
}
