//! Decodes the files of a listing, on all cores.

use super::scan::Listing;
use crate::{Labels, Skipped, decode, parallel};

/// The pictures of a listing, without those that are broken.
pub(super) struct Loaded {
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Labels,
    pub(super) skipped: Vec<Skipped>,
}

pub(super) fn load(listing: &Listing, shape: [usize; 3]) -> Loaded {
    let size: usize = shape.iter().product();
    let mut pixels = vec![0; listing.files.len() * size];
    let mut results = vec![Ok(()); listing.files.len()];
    let places = pixels.chunks_exact_mut(size).zip(&mut results);
    let jobs = listing.files.iter().zip(places).collect();
    parallel::for_each(jobs, |(path, (place, result))| {
        *result = decode::read_into(path, shape, place);
    });
    let (mut kept, mut skipped) = (Vec::new(), listing.skipped.clone());
    for ((index, path), result) in (0..).zip(&listing.files).zip(results) {
        match result {
            Ok(()) => {
                // Moves up to where the broken ones before it would have been.
                let from = index as usize * size;
                pixels.copy_within(from..from + size, kept.len() * size);
                kept.push(index);
            }
            Err(reason) => skipped.push(Skipped { path: path.clone(), reason }),
        }
    }
    pixels.truncate(kept.len() * size);
    Loaded { pixels, labels: listing.labels.take(&kept), skipped }
}
