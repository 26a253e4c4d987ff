//! Image files to pixels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgba};

use crate::DataError;

/// The largest image file that is opened.
const FILE: u64 = 1 << 28;
/// The most that one image may unpack to, in bytes.
const UNPACKED: u64 = 1 << 29;
/// The longest side of an image.
const SIDE: u32 = 1 << 16;

/// Reads an image file as a picture for a network: `[height, width, channels]` bytes, HWC, with 3
/// channels (red, green, blue) or 1 (Rec. 709 luma).
///
/// JPEG, PNG, GIF (the first frame), BMP and WebP are told apart by their contents. The camera's
/// orientation (Exif) is respected. What is transparent becomes white. The whole image is then
/// squeezed into the shape: a triangle filter as wide as the scale asks for, so shrinking
/// averages (Pillow's `BILINEAR`; Keras's `bilinear` with `antialias`). Nothing is cropped.
///
/// # Errors
/// When the file cannot be read, is not a whole image of these formats or is too large (256 MiB, or
/// 512 MiB unpacked), or when the shape has no pixel or other than 1 or 3 channels.
pub fn read_image(path: &Path, shape: [usize; 3]) -> Result<Vec<u8>, DataError> {
    let mut pixels = allocate(shape)?;
    must_exist(path)?;
    let place = path.display().to_string();
    let read = read_into(path, shape, &mut pixels);
    read.map(|()| pixels).map_err(|reason| DataError::Image { place, reason })
}

/// A file that is not there is no broken image.
fn must_exist(path: &Path) -> Result<(), DataError> {
    path.metadata().map(|_| ()).map_err(|source| DataError::io("cannot open", path, source))
}

/// [`read_image`] of a file that is in memory.
///
/// # Errors
/// Those of [`read_image`].
pub fn decode_image(bytes: &[u8], shape: [usize; 3]) -> Result<Vec<u8>, DataError> {
    let mut pixels = allocate(shape)?;
    let place = "image in memory".into();
    let read = decode_into(bytes, shape, &mut pixels);
    read.map(|()| pixels).map_err(|reason| DataError::Image { place, reason })
}

/// Reads an image file in its own size: `[height, width, 3]` and its pixels, HWC; else as
/// [`read_image`] does.
///
/// # Errors
/// Those of [`read_image`].
pub fn read_original(path: &Path) -> Result<([usize; 3], Vec<u8>), DataError> {
    must_exist(path)?;
    let trouble = |reason| DataError::Image { place: path.display().to_string(), reason };
    let image = read_file(path).and_then(|bytes| decode(&bytes)).map_err(trouble)?;
    let shape = [image.height() as usize, image.width() as usize, 3];
    Ok((shape, image.into_rgb8().into_raw()))
}

/// Whether pictures of this shape can be made from image files.
pub(crate) fn check_shape(shape: [usize; 3]) -> Result<(), DataError> {
    let [height, width, channels] = shape;
    let side = 1..=SIDE as usize;
    if side.contains(&height) && side.contains(&width) && matches!(channels, 1 | 3) {
        return Ok(());
    }
    Err(DataError::ImageShape { shape: format!("{height} x {width} x {channels}") })
}

fn allocate(shape: [usize; 3]) -> Result<Vec<u8>, DataError> {
    check_shape(shape)?;
    Ok(vec![0; shape.iter().product()])
}

/// Fills `out` from a file, or says why not.
pub(crate) fn read_into(path: &Path, shape: [usize; 3], out: &mut [u8]) -> Result<(), String> {
    decode_into(&read_file(path)?, shape, out)
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE {
        return Err(format!("the file is larger than {} MiB", FILE >> 20));
    }
    Ok(bytes)
}

fn decode_into(bytes: &[u8], shape: [usize; 3], out: &mut [u8]) -> Result<(), String> {
    if bytes.len() as u64 > FILE {
        return Err(format!("the file is larger than {} MiB", FILE >> 20));
    }
    let image = decode(bytes)?;
    // First the channels, for they are what each sample of the filter costs.
    let image: DynamicImage =
        if shape[2] == 1 { image.into_luma8().into() } else { image.into_rgb8().into() };
    let [height, width] = [shape[0] as u32, shape[1] as u32];
    let fits = [image.height(), image.width()] == [height, width];
    let image = if fits { image } else { image.resize_exact(width, height, FilterType::Triangle) };
    out.copy_from_slice(image.as_bytes());
    Ok(())
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    let format = reader.format().ok_or("not a JPEG, PNG, GIF, BMP or WebP image")?;
    // The decoder fills what is missing with grey and says nothing.
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err("the JPEG file ends too early".into());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(UNPACKED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    if decoder.total_bytes() > UNPACKED {
        let (width, height) = decoder.dimensions();
        return Err(format!("{width} x {height} pixels unpack to over {} MiB", UNPACKED >> 20));
    }
    // An orientation that cannot be read is none.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(if image.color().has_alpha() { on_white(image) } else { image })
}

/// Lays the picture on white paper.
fn on_white(image: DynamicImage) -> DynamicImage {
    let mut image = image.into_rgba8();
    for Rgba([colour @ .., alpha]) in image.pixels_mut() {
        let cover = u16::from(*alpha);
        for value in colour {
            *value = ((u16::from(*value) * cover + 255 * (255 - cover) + 127) / 255) as u8;
        }
        *alpha = 255;
    }
    image.into()
}

/// Whether a JPEG file has its end marker, found by walking the segments (ITU T.81, annex B):
/// thumbnails inside a segment have end markers of their own.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[mark, code]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        match (mark, code) {
            (0xFF, 0xD9) => return true,
            // Entropy-coded data, a stuffed zero, a restart marker or filling.
            (..=0xFE, _) | (_, 0xFF) => at += 1,
            (_, 0x00..=0x01 | 0xD0..=0xD8) => at += 2,
            _ => match bytes.get(at + 2..).and_then(|rest| rest.first_chunk()) {
                Some(&length) => at += 2 + usize::from(u16::from_be_bytes(length)),
                None => return false,
            },
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn plain(colour: [u8; 4]) -> DynamicImage {
        image::RgbaImage::from_pixel(9, 6, Rgba(colour)).into()
    }

    fn reason(bytes: &[u8]) -> String {
        decode_image(bytes, [2, 2, 3]).unwrap_err().to_string()
    }

    #[test]
    fn every_format_keeps_a_plain_colour() {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
        let image = plain([200, 100, 50, 255]);
        for format in [Bmp, Gif, Jpeg, Png, WebP] {
            let image = if format == Jpeg { image.to_rgb8().into() } else { image.clone() };
            let pixels = decode_image(&encoded(&image, format), [4, 5, 3]).unwrap();
            assert_eq!(pixels.len(), 60);
            for pixel in pixels.chunks_exact(3) {
                let near = pixel.iter().zip([200, 100, 50]).all(|(a, b)| a.abs_diff(b) <= 2);
                assert!(near, "{format:?} {pixel:?}");
            }
        }
    }

    #[test]
    fn transparency_is_white_and_grey_has_one_channel() {
        let clear = encoded(&plain([9, 9, 9, 0]), ImageFormat::Png);
        assert_eq!(decode_image(&clear, [1, 2, 3]).unwrap(), [255; 6]);
        let green = encoded(&plain([0, 255, 0, 255]), ImageFormat::Png);
        assert_eq!(decode_image(&green, [1, 1, 1]).unwrap(), [182]);
    }

    #[test]
    fn shrinking_averages_and_the_right_size_is_kept() {
        let stripes = image::GrayImage::from_fn(64, 4, |x, _| image::Luma([(x % 2) as u8 * 255]));
        let bytes = encoded(&stripes.clone().into(), ImageFormat::Png);
        let small = decode_image(&bytes, [1, 4, 1]).unwrap();
        assert!(small.iter().all(|value| value.abs_diff(128) < 8), "{small:?}");
        assert_eq!(decode_image(&bytes, [4, 64, 1]).unwrap(), stripes.into_raw());
    }

    #[test]
    fn a_jpeg_that_ends_early_or_is_changed_inside_is_refused() {
        let noise = image::RgbImage::from_fn(64, 64, |x, y| {
            image::Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, (x ^ y) as u8])
        });
        let whole = encoded(&noise.into(), ImageFormat::Jpeg);
        assert!(decode_image(&whole, [8, 8, 3]).is_ok());
        for length in [3, 100, whole.len() / 2, whole.len() - 1] {
            assert!(decode_image(&whole[..length], [8, 8, 3]).is_err(), "{length}");
        }
        assert!(reason(&whole[..whole.len() / 2]).contains("ends too early"));
        let mut header = whole.clone();
        header[30..60].fill(0xEE);
        assert!(decode_image(&header, [8, 8, 3]).is_err());
    }

    #[test]
    fn the_cameras_orientation_is_respected() {
        let half = image::RgbImage::from_fn(8, 8, |x, _| image::Rgb([(x / 4) as u8 * 255; 3]));
        let mut bytes = encoded(&half.into(), ImageFormat::Jpeg);
        // Exif, little endian, one entry: orientation (0x0112), a short, 6 (turn to the right).
        let exif = b"\xFF\xE1\x00\x22Exif\0\0II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        bytes.splice(2..2, exif.iter().copied());
        let turned = decode_image(&bytes, [2, 2, 1]).unwrap();
        assert!(turned[..2].iter().all(|&v| v < 64) && turned[2..].iter().all(|&v| v > 192));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"plain text, no image", "not a JPEG, PNG, GIF, BMP or WebP"),
            (b"\x89PNG\r\n\x1a\n", "image in memory"),
        ] {
            assert!(reason(bytes).contains(expected), "{}", reason(bytes));
        }
        let missing = read_image(Path::new("no/such.png"), [2, 2, 3]).unwrap_err().to_string();
        assert!(missing.contains("no/such.png"), "{missing}");
    }

    #[test]
    fn an_image_that_unpacks_to_far_too_much_is_refused() {
        let mut bomb = encoded(&plain([0; 4]), ImageFormat::Bmp);
        bomb[18..22].copy_from_slice(&60_000_i32.to_le_bytes());
        bomb[22..26].copy_from_slice(&60_000_i32.to_le_bytes());
        assert!(decode_image(&bomb, [2, 2, 3]).is_err());
    }

    #[test]
    fn an_original_keeps_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, encoded(&plain([1, 2, 3, 255]), ImageFormat::Png)).unwrap();
        assert_eq!(read_original(&path).unwrap(), ([6, 9, 3], [1, 2, 3].repeat(54)));
        let message = read_original(folder.path()).unwrap_err().to_string();
        assert!(message.contains(&folder.path().display().to_string()), "{message}");
    }

    #[test]
    fn only_one_or_three_channels_and_some_pixels() {
        for shape in [[0, 2, 3], [2, 2, 4], [2, 1 << 20, 1]] {
            assert!(decode_image(&[], shape).unwrap_err().to_string().contains("1 or 3 channels"));
        }
    }
}
