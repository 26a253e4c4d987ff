//! Decodes the files of a listing, on all cores.

use super::scan::Listing;
use crate::{Skipped, decode, parallel};

/// The pictures of a listing, without those that are broken.
pub(super) struct Loaded {
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u32>,
    pub(super) skipped: Vec<Skipped>,
}

pub(super) fn load(listing: &Listing, shape: [usize; 3]) -> Loaded {
    let size: usize = shape.iter().product();
    let mut pixels = vec![0; listing.files.len() * size];
    let mut results = vec![Ok(()); listing.files.len()];
    let places = pixels.chunks_exact_mut(size).zip(&mut results);
    let jobs = listing.files.iter().zip(places).collect();
    parallel::for_each(jobs, |((path, _), (place, result))| {
        *result = decode::read_into(path, shape, place);
    });
    let mut loaded = Loaded { pixels, labels: Vec::new(), skipped: listing.skipped.clone() };
    for (index, ((path, label), result)) in listing.files.iter().zip(results).enumerate() {
        match result {
            Ok(()) => {
                // Moves up to where the broken ones before it would have been.
                let to = loaded.labels.len() * size;
                loaded.pixels.copy_within(index * size..(index + 1) * size, to);
                loaded.labels.push(*label);
            }
            Err(reason) => loaded.skipped.push(Skipped { path: path.clone(), reason }),
        }
    }
    loaded.pixels.truncate(loaded.labels.len() * size);
    loaded
}
