//! Writes Lenslet's built-in pictures in the layout of CIFAR-10's binary files, for machines
//! without CIFAR-10: `pictures FOLDER`.

use std::error::Error;
use std::fs;
use std::path::Path;

use contest::RECORD;
use lenslet::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("the folder is missing")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let Split { train, test, .. } =
        Synthetic { train: 50_000, test: 10_000, ..Synthetic::default() }.generate()?;
    for part in 0..5 {
        let records = records(&train, part * 10_000..(part + 1) * 10_000);
        fs::write(folder.join(format!("data_batch_{}.bin", part + 1)), records)?;
    }
    fs::write(folder.join("test_batch.bin"), records(&test, 0..10_000))?;
    Ok(())
}

fn records(data: &Dataset, range: std::ops::Range<usize>) -> Vec<u8> {
    let mut records = Vec::with_capacity(range.len() * RECORD);
    for index in range {
        records.push(data.labels().of(index)[0] as u8);
        for channel in 0..3 {
            records.extend(data.image(index).iter().skip(channel).step_by(3));
        }
    }
    records
}
