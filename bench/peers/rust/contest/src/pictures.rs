//! Reads pictures in the layout of CIFAR-10's binary files.

use std::fs;
use std::process::exit;

use crate::{Arguments, Work};

const PLANE: usize = 32 * 32;
/// A label byte, then the red, green and blue planes.
pub const RECORD: usize = 1 + 3 * PLANE;

/// Pictures and labels, as the file has them.
#[derive(Clone, Debug)]
pub struct Pictures(Vec<u8>);

/// The pictures of one step, made before any clock runs.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    /// One number after the other.
    pub pixels: Vec<T>,
    /// The true classes.
    pub labels: Vec<u32>,
}

impl Pictures {
    /// The pictures of a work: training goes through the first file, prediction through the test
    /// file. Ends the program where there is none.
    pub fn read(args: &Arguments) -> Self {
        let name = if args.work == Work::Predict { "test_batch.bin" } else { "data_batch_1.bin" };
        let path = args.data.join(name);
        Self(fs::read(&path).unwrap_or_else(|e| {
            eprintln!("error: {}: {e}", path.display());
            exit(1)
        }))
    }

    /// Batches of bytes, NHWC: what Lenslet takes.
    pub fn bytes(&self, args: &Arguments) -> Vec<Batch<u8>> {
        self.batches(args, |planes, pixels| {
            for at in 0..PLANE {
                pixels.extend([planes[at], planes[PLANE + at], planes[2 * PLANE + at]]);
            }
        })
    }

    /// Batches of numbers from 0 to 1, NCHW: what Burn and candle take.
    pub fn numbers(&self, args: &Arguments) -> Vec<Batch<f32>> {
        self.batches(args, |planes, pixels| {
            pixels.extend(planes.iter().map(|&byte| f32::from(byte) / 255.0));
        })
    }

    /// Whole batches to train on; for prediction the last one may be smaller.
    fn batches<T>(&self, args: &Arguments, add: impl Fn(&[u8], &mut Vec<T>)) -> Vec<Batch<T>> {
        let records: Vec<&[u8]> = self.0.chunks_exact(RECORD).collect();
        let whole = |records: &&[&[u8]]| records.len() == args.batch || args.work == Work::Predict;
        let batch = |records: &[&[u8]]| {
            let mut batch = Batch { pixels: Vec::new(), labels: Vec::new() };
            for record in records {
                batch.labels.push(u32::from(record[0]));
                add(&record[1..], &mut batch.pixels);
            }
            batch
        };
        records.chunks(args.batch).filter(whole).map(batch).collect()
    }
}
