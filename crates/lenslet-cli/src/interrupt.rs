//! Ctrl-C and SIGTERM: once for "save and end", twice for "now".

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Failure, interrupted_code};

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on the first signal only sets what [`asked`] tells; the second ends the program.
pub(crate) fn listen() -> Result<(), Failure> {
    let handler = || {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(interrupted_code()));
        }
        let words =
            "\nstopping: what was learnt so far is being saved (Ctrl-C again: leave at once)";
        let _ = writeln!(io::stderr(), "{words}");
    };
    ctrlc::set_handler(handler)
        .map_err(|e| Failure::failed(format!("cannot listen for Ctrl-C: {e}; try again")))
}

/// Whether the user wants an end.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
