//! `lenslet filter`.

use std::path::PathBuf;

use lenslet_report::filter::{Filter, picture};

use crate::console::say;
use crate::failure::Failure;
use crate::picture_file;

/// Show what a convolution does to a picture: the picture, the filter's numbers, the result.
///
/// A network's first layer is made of such filters; it learns their numbers by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Args {
    /// An image file: JPEG, PNG, GIF, BMP or WebP
    image: PathBuf,

    /// The filter, by name
    #[arg(long, value_name = "NAME", default_value = "sobel", value_parser = filter)]
    kind: Filter,

    /// The filter, by numbers of your own: rows parted by semicolons
    #[arg(long, value_name = "NUMBERS", conflicts_with = "kind", allow_hyphen_values = true,
          value_parser = filter)]
    kernel: Option<Filter>,

    /// Where to draw it: FILE.png or FILE.svg [default: IMAGE-FILTER.png in this folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn filter(text: &str) -> Result<Filter, String> {
    text.parse().map_err(|e: lenslet_report::filter::FilterError| e.to_string())
}

fn after_help() -> String {
    let mut help = "Filters:\n".to_owned();
    for (name, what) in Filter::names() {
        help += &format!("  {name:14} {what}\n");
    }
    help + "\nExamples:\n  lenslet filter cat.jpg\n  lenslet filter cat.jpg --kind gaussian-blur:3\n  \
            lenslet filter cat.jpg --kernel \"0 -1 0; -1 5 -1; 0 -1 0\""
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let own = args.kernel.is_some();
    let filter = args.kernel.unwrap_or(args.kind);
    let out = args.out.unwrap_or_else(|| {
        let stem = args.image.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let kind = if own { "filtered".to_owned() } else { filter.to_string().replace(':', "-") };
        format!("{stem}-{kind}.png").into()
    });
    picture_file::check(&out)?;
    let (shape, pixels) = lenslet_data::read_original(&args.image)?;
    picture_file::write(&out, &picture(&filter, &pixels, shape))?;
    say(format_args!("{filter}: {}", out.display()))
}
