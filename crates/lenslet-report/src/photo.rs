//! A photograph inside a picture.

/// Opaque red, green and blue pixels.
#[derive(Clone, Debug)]
pub(crate) struct Photo {
    pub(crate) width: u32,
    pub(crate) height: u32,
    rgb: Vec<u8>,
    /// Shown with hard pixel edges: for pictures smaller than their place.
    pub(crate) pixelated: bool,
}

impl Photo {
    /// From `height x width x channels` bytes to be shown within `room` pixels each way.
    ///
    /// One channel is grey, two are grey and alpha, three are colours, four are colours and alpha;
    /// alpha is laid on white; of any other number the first channel is shown as grey. Pictures
    /// twice as large as `room` or more shrink to the means of whole blocks: files stay small.
    pub(crate) fn new(pixels: &[u8], [height, width, channels]: [usize; 3], room: f64) -> Self {
        let expected = height * width * channels;
        assert_eq!(pixels.len(), expected, "{height} x {width} x {channels} pixels");
        assert!(expected > 0, "a picture has pixels");
        let rgb: Vec<u8> = pixels.chunks_exact(channels).flat_map(opaque).collect();
        let longest = height.max(width) as f64;
        let block = ((longest / room).floor() as usize).max(1);
        let (rgb, height, width) = block_means(rgb, height, width, block);
        let pixelated = longest < room;
        Self { width: width as u32, height: height as u32, rgb, pixelated }
    }

    /// One pixel for each of `width x height` colours.
    pub(crate) fn of_cells(width: u32, height: u32, rgb: Vec<u8>) -> Self {
        Self { width, height, rgb, pixelated: true }
    }

    pub(crate) fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// As a PNG file.
    pub(crate) fn png(&self) -> Vec<u8> {
        write_png(self.width, self.height, png::ColorType::Rgb, &self.rgb)
            .expect("a PNG of checked size goes into memory")
    }
}

/// Writes a PNG file of 8 bits per channel.
pub(crate) fn write_png(
    width: u32,
    height: u32,
    colour: png::ColorType,
    pixels: &[u8],
) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn opaque(pixel: &[u8]) -> [u8; 3] {
    let on_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    match *pixel {
        [grey, alpha] => [on_white(grey, alpha); 3],
        [r, g, b] => [r, g, b],
        [r, g, b, alpha] => [on_white(r, alpha), on_white(g, alpha), on_white(b, alpha)],
        [grey, ..] => [grey; 3],
        [] => unreachable!("pixels have a channel"),
    }
}

/// The mean of every `block x block` square; those at the right and lower edge may be smaller.
fn block_means(rgb: Vec<u8>, height: usize, width: usize, block: usize) -> (Vec<u8>, usize, usize) {
    if block == 1 {
        return (rgb, height, width);
    }
    let (rows, columns) = (height.div_ceil(block), width.div_ceil(block));
    let mut means = Vec::with_capacity(rows * columns * 3);
    for row in 0..rows {
        for column in 0..columns {
            let (mut sums, mut count) = ([0u64; 3], 0);
            for y in row * block..((row + 1) * block).min(height) {
                for x in column * block..((column + 1) * block).min(width) {
                    let at = (y * width + x) * 3;
                    for (sum, &value) in sums.iter_mut().zip(&rgb[at..at + 3]) {
                        *sum += u64::from(value);
                    }
                    count += 1;
                }
            }
            means.extend(sums.map(|sum| ((sum + count / 2) / count) as u8));
        }
    }
    (means, rows, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_become_colours() {
        assert_eq!(opaque(&[7]), [7, 7, 7]);
        assert_eq!(opaque(&[0, 0]), [255, 255, 255]);
        assert_eq!(opaque(&[1, 2, 3]), [1, 2, 3]);
        assert_eq!(opaque(&[1, 2, 3, 255]), [1, 2, 3]);
        assert_eq!(opaque(&[9, 0, 0, 0, 0]), [9, 9, 9]);
    }

    #[test]
    fn large_photos_shrink_to_means() {
        let photo = Photo::new(&[0, 10, 20, 30], [2, 2, 1], 1.0);
        assert_eq!((photo.width, photo.height, photo.rgb()), (1, 1, &[15, 15, 15][..]));
        assert!(!photo.pixelated);
    }
}
