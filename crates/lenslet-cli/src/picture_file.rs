//! Pictures as files of the user's choice.

use std::path::Path;

use lenslet_report::Picture;

use crate::failure::Failure;

/// Refuses a name that ends in neither .png nor .svg.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    is_svg(path).map(|_| ())
}

/// Writes a picture, in the format that the name ends in.
pub(crate) fn write(path: &Path, picture: &Picture) -> Result<(), Failure> {
    if is_svg(path)? {
        lenslet_store::write(path, picture.svg().as_bytes())?;
    } else {
        lenslet_store::write(path, &picture.png()?)?;
    }
    Ok(())
}

fn is_svg(path: &Path) -> Result<bool, Failure> {
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("png") => Ok(false),
        Some("svg") => Ok(true),
        _ => Err(Failure::usage(format!(
            "{} ends in neither .png nor .svg; these are the formats that can be written",
            path.display()
        ))),
    }
}
