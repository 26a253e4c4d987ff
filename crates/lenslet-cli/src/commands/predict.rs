//! `lenslet predict`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lenslet_data::read_image;
use serde_json::{Value, json};

use crate::console::{print, say};
use crate::failure::Failure;
use crate::machine::{ShortcutArgs, ThreadArgs};
use crate::number::at_least_one;
use crate::trained::Trained;

/// Endings of the image files that are looked for in folders.
const ENDINGS: [&str; 6] = ["bmp", "gif", "jpeg", "jpg", "png", "webp"];
/// Images that are predicted together.
const BATCH: usize = 256;
/// Classes that are named for each image.
const TOP: usize = 3;

/// Let a run's model say what images show.
///
/// Images of any size are taken: JPEG, PNG, GIF, BMP and WebP. Each is resized to the model's
/// input. One that cannot be read is reported, the others are still done. A model that ends with a
/// sigmoid, for images with any number of labels, names every label above --threshold.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's folder, as `lenslet train` left it
    run: PathBuf,

    /// Image files; of a folder all images below it, sorted
    #[arg(required = true)]
    image: Vec<PathBuf>,

    /// Name the K most probable classes [default: 3; with --json all; of labels those above --threshold]
    #[arg(long, value_name = "K", value_parser = at_least_one, allow_negative_numbers = true)]
    top: Option<usize>,

    /// The probability above which an image has a label, where it can have any number [default: 0.5]
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    threshold: Option<f32>,

    /// Print one JSON array
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    threads: ThreadArgs,

    #[command(flatten)]
    shortcuts: ShortcutArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let files = files(&args.image)?;
    let images = Some(files.len());
    let mut trained = Trained::open(&args.run, &args.threads, &args.shortcuts, images)?;
    let shape = trained.image_shape().ok_or_else(|| {
        let input = trained.model.network().input();
        Failure::failed(format!("the model takes {input}, no images; train one that does"))
    })?;
    let classes = trained.model.classes().to_vec();
    let many = trained.model.network().gives_many_labels();
    if args.threshold.is_some() && !many {
        return Err(Failure::usage(
            "--threshold is for models of images with any number of labels, which end with a sigmoid; \
             leave it out",
        ));
    }
    let threshold = many.then(|| args.threshold.unwrap_or(0.5));
    let all_of_them = args.json || many;
    let top = args.top.unwrap_or(if all_of_them { classes.len() } else { TOP });
    let mut read = 0;
    let mut all = Vec::new();
    for files in files.chunks(BATCH) {
        let (paths, pixels) = read_images(files, shape);
        read += paths.len();
        let outputs = trained.model.predict_pixels(&pixels, paths.len())?;
        for (path, outputs) in paths.into_iter().zip(outputs.chunks(classes.len())) {
            let best = best(&classes, outputs, top);
            if args.json {
                all.push(as_json(path, &best, threshold));
            } else {
                say(in_words(path, &best, threshold.filter(|_| args.top.is_none())))?;
            }
        }
    }
    if args.json {
        print(format_args!("{:#}\n", Value::Array(all)))?;
    }
    if read < files.len() { Err(Failure::Said) } else { Ok(()) }
}

/// The images that can be read, with their pixels one after the other; the others are reported.
fn read_images(files: &[PathBuf], shape: [usize; 3]) -> (Vec<&Path>, Vec<u8>) {
    let (mut paths, mut pixels) = (Vec::new(), Vec::new());
    for path in files {
        match read_image(path, shape) {
            Ok(image) => {
                paths.push(path.as_path());
                pixels.extend(image);
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: {error}");
            }
        }
    }
    (paths, pixels)
}

/// A class and its probability.
type Guess<'a> = (&'a str, f32);

/// The most probable classes, the best first.
fn best<'a>(classes: &'a [String], outputs: &[f32], top: usize) -> Vec<Guess<'a>> {
    let mut all: Vec<_> = classes.iter().map(String::as_str).zip(outputs.iter().copied()).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(top);
    all
}

/// The classes and their probabilities; of labels those above the threshold.
fn in_words(path: &Path, best: &[Guess<'_>], threshold: Option<f32>) -> String {
    let said = said(best, threshold);
    let words = |guesses: &[Guess<'_>]| {
        let words = guesses.iter().map(|(class, p)| format!("{class} {:.1} %", p * 100.0));
        words.collect::<Vec<_>>().join(", ")
    };
    let path = path.display();
    match said {
        [] => format!("{path}: none of them (the most probable: {})", words(&best[..1])),
        said => format!("{path}: {}", words(said)),
    }
}

/// Those above the threshold, if there is one.
fn said<'a, 'b>(best: &'a [Guess<'b>], threshold: Option<f32>) -> &'a [Guess<'b>] {
    let above = |least| best.partition_point(|(_, probability)| *probability > least);
    &best[..threshold.map_or(best.len(), above)]
}

fn as_json(path: &Path, best: &[Guess<'_>], threshold: Option<f32>) -> Value {
    let list = best.iter().map(|(class, p)| json!({ "class": class, "probability": p }));
    let (path, list) = (path.to_string_lossy(), list.collect::<Vec<_>>());
    match threshold {
        None => json!({
            "path": path,
            "class": best[0].0,
            "probability": best[0].1,
            "probabilities": list,
        }),
        Some(_) => json!({
            "path": path,
            "labels": said(best, threshold).iter().map(|(class, _)| class).collect::<Vec<_>>(),
            "probabilities": list,
        }),
    }
}

/// A number between 0 and 1.
fn share(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "give a number between 0 and 1, such as 0.5".to_owned())
}

/// The files named, and those below the folders named.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        below(path, &mut files)?;
        if files.len() == before {
            return Err(Failure::failed(format!(
                "{} has no images (files that end in {}); name a file or another folder",
                path.display(),
                ENDINGS.join(", ")
            )));
        }
    }
    Ok(files)
}

/// Links to folders are not followed: they could lead round in a circle.
fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |e: io::Error| {
        Failure::failed(format!("cannot read {}: {e}; check its permissions", folder.display()))
    };
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed)?.collect();
    let mut entries = entries.map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            below(&path, files)?;
        } else if is_image(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_image(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    let ending = ending.as_ref().and_then(|ending| ending.to_str());
    !hidden && ending.is_some_and(|ending| ENDINGS.contains(&ending))
}
