//! Where a sliding window stands: the shapes of convolution and pooling.

use std::ops::Range;

/// One spatial axis of a sliding window.
///
/// Tap `t` of output `o` reads input `o * stride + t * dilation - pad_before`, and zero (or, for
/// pooling, nothing) where that lies outside `0..input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// Length of the input.
    pub input: usize,
    /// Length of the output.
    pub output: usize,
    /// Taps of the window.
    pub window: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Step between taps.
    pub dilation: usize,
    /// Zeros before the first input.
    pub pad_before: usize,
}

impl Axis {
    /// No padding: windows stay inside. `None` where not even one window fits.
    pub fn valid(input: usize, window: usize, stride: usize, dilation: usize) -> Option<Self> {
        let span = (window - 1) * dilation + 1;
        let output = input.checked_sub(span)? / stride + 1;
        Some(Self { input, output, window, stride, dilation, pad_before: 0 })
    }

    /// Zero padding so that `output = ceil(input / stride)`; an odd zero goes behind, as in
    /// TensorFlow. `None` for an empty input.
    pub fn same(input: usize, window: usize, stride: usize, dilation: usize) -> Option<Self> {
        let output = input.div_ceil(stride);
        let span = (window - 1) * dilation + 1;
        let padding = ((output.checked_sub(1)?) * stride + span).saturating_sub(input);
        Some(Self { input, output, window, stride, dilation, pad_before: padding / 2 })
    }

    /// The input that tap `t` of output `o` reads, or `None` in the padding.
    pub fn at(&self, o: usize, t: usize) -> Option<usize> {
        (o * self.stride + t * self.dilation)
            .checked_sub(self.pad_before)
            .filter(|&i| i < self.input)
    }

    /// The output whose tap `t` reads input `i`, if there is one: the way back of [`Self::at`].
    pub fn reader(&self, i: usize, t: usize) -> Option<usize> {
        let start = (i + self.pad_before).checked_sub(t * self.dilation)?;
        let output = start / self.stride;
        (start.is_multiple_of(self.stride) && output < self.output).then_some(output)
    }

    /// Outputs, from the first on, that read nothing but the first `inputs` inputs.
    pub fn complete(&self, inputs: usize) -> usize {
        if inputs >= self.input {
            return self.output;
        }
        let span = (self.window - 1) * self.dilation + 1;
        match (inputs + self.pad_before).checked_sub(span) {
            Some(last) => self.output.min(last / self.stride + 1),
            None => 0,
        }
    }

    /// The outputs whose tap `t` lies inside the input.
    pub fn outputs(&self, t: usize) -> Range<usize> {
        let shift = t * self.dilation;
        let first = self.pad_before.saturating_sub(shift).div_ceil(self.stride);
        let end = (self.input + self.pad_before).saturating_sub(shift).div_ceil(self.stride);
        first.min(self.output)..end.min(self.output)
    }

    /// The outputs all of whose taps lie inside the input.
    pub fn whole(&self) -> Range<usize> {
        let (first, last) = (self.outputs(0), self.outputs(self.window - 1));
        let start = first.start.max(last.start);
        start..first.end.min(last.end).max(start)
    }

    /// The taps of output `o` that lie inside the input.
    pub fn taps(&self, o: usize) -> Range<usize> {
        let start = o * self.stride;
        let first = self.pad_before.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.input + self.pad_before).saturating_sub(start).div_ceil(self.dilation);
        first.min(self.window)..end.min(self.window)
    }
}

/// The shape of a 2-D convolution of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dShape {
    /// Rows.
    pub height: Axis,
    /// Columns.
    pub width: Axis,
    /// Channels of the input.
    pub in_channels: usize,
    /// Filters.
    pub out_channels: usize,
}

impl Conv2dShape {
    /// Elements of one input image.
    pub fn input_len(&self) -> usize {
        self.height.input * self.width.input * self.in_channels
    }

    /// Elements of one output image.
    pub fn output_len(&self) -> usize {
        self.height.output * self.width.output * self.out_channels
    }

    /// Elements of the filters.
    pub fn weights_len(&self) -> usize {
        self.height.window * self.width.window * self.in_channels * self.out_channels
    }

    /// Multiply-adds of the definition for one image, be it the output or one of the gradients;
    /// those with the zeros of the padding are counted, as usual.
    pub fn multiply_adds(&self) -> u64 {
        (self.height.output * self.width.output * self.weights_len()) as u64
    }
}

/// The shape of a depthwise 2-D convolution of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DepthwiseShape {
    /// Where the windows stand, and the channels of the input.
    pub window: Pool2dShape,
    /// Filters of each channel.
    pub multiplier: usize,
}

impl DepthwiseShape {
    /// Channels of the output.
    pub fn out_channels(&self) -> usize {
        self.window.channels * self.multiplier
    }

    /// Elements of one output image.
    pub fn output_len(&self) -> usize {
        self.window.output_len() * self.multiplier
    }

    /// Elements of the filters.
    pub fn weights_len(&self) -> usize {
        self.window.height.window * self.window.width.window * self.out_channels()
    }
}

/// The shape of a 2-D pooling of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pool2dShape {
    /// Rows.
    pub height: Axis,
    /// Columns.
    pub width: Axis,
    /// Channels.
    pub channels: usize,
}

impl Pool2dShape {
    /// Elements of one input image.
    pub fn input_len(&self) -> usize {
        self.height.input * self.width.input * self.channels
    }

    /// Elements of one output image.
    pub fn output_len(&self) -> usize {
        self.height.output * self.width.output * self.channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_where_at_reads() {
        for input in 1..9 {
            for window in 1..6 {
                for stride in 1..4 {
                    for dilation in 1..4 {
                        let both = [
                            Axis::valid(input, window, stride, dilation),
                            Axis::same(input, window, stride, dilation),
                        ];
                        for axis in both.into_iter().flatten() {
                            for o in 0..axis.output {
                                let read: Vec<_> =
                                    (0..window).filter(|&t| axis.at(o, t).is_some()).collect();
                                assert_eq!(read, axis.taps(o).collect::<Vec<_>>(), "{axis:?} {o}");
                                let all = read.len() == window;
                                assert_eq!(axis.whole().contains(&o), all, "{axis:?} {o}");
                                for t in 0..window {
                                    let inside = axis.outputs(t).contains(&o);
                                    assert_eq!(inside, read.contains(&t), "{axis:?} {o} {t}");
                                }
                            }
                            for (i, t) in (0..input).flat_map(|i| (0..window).map(move |t| (i, t)))
                            {
                                let mut readers =
                                    (0..axis.output).filter(|&o| axis.at(o, t) == Some(i));
                                assert_eq!(axis.reader(i, t), readers.next(), "{axis:?} {i} {t}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn complete_outputs_read_what_is_there() {
        for (input, window, stride, dilation) in
            [(9, 3, 1, 1), (9, 2, 2, 1), (8, 2, 3, 2), (3, 5, 1, 1)]
        {
            for axis in [Axis::valid, Axis::same].map(|make| make(input, window, stride, dilation))
            {
                let Some(axis) = axis else { continue };
                for inputs in 0..=input {
                    let inside =
                        |o: &usize| (0..window).all(|t| axis.at(*o, t).is_none_or(|i| i < inputs));
                    let expected = (0..axis.output).take_while(inside).count();
                    assert!(axis.complete(inputs) <= expected, "{axis:?} {inputs}");
                    assert!(inputs < input || axis.complete(inputs) == axis.output);
                }
            }
        }
    }

    #[test]
    fn lengths_are_tensorflows() {
        assert_eq!(Axis::valid(32, 3, 1, 1).unwrap().output, 30);
        assert_eq!(Axis::valid(7, 3, 2, 2).unwrap().output, 2);
        assert_eq!(Axis::valid(2, 3, 1, 1), None);
        let same = Axis::same(5, 2, 2, 1).unwrap();
        assert_eq!((same.output, same.pad_before), (3, 0));
    }
}
