//! Ctrl-C and requests to end: once for "save and end", twice for "now".

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::{consts, flag};

use crate::failure::Failure;

/// The signal that came; 0 before.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);
static SAID: AtomicBool = AtomicBool::new(false);

/// Those that ask a program to end.
#[cfg(unix)]
const SIGNALS: [i32; 3] = [consts::SIGINT, consts::SIGTERM, consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [consts::SIGINT, consts::SIGTERM];

/// From now on the first signal only sets what [`signal`] tells; the second ends the program at
/// once. No file is harmed by that: each is written under another name first.
pub(crate) fn listen() -> Result<(), Failure> {
    let armed = Arc::new(AtomicBool::new(false));
    let register = |signal: i32| {
        // In this order: the first signal finds it unarmed.
        flag::register_conditional_shutdown(signal, i32::from(code(signal)), Arc::clone(&armed))?;
        flag::register(signal, Arc::clone(&armed))?;
        flag::register_usize(signal, Arc::clone(&SIGNAL), signal as usize)
    };
    SIGNALS.into_iter().try_for_each(|signal| register(signal).map(drop)).map_err(|e: io::Error| {
        Failure::failed(format!("cannot listen for Ctrl-C: {e}; try again"))
    })
}

/// What shells report of a program that a signal ended.
pub(crate) fn code(signal: i32) -> u8 {
    128 + signal as u8
}

/// The signal that asked for an end, if one did.
pub(crate) fn signal() -> Option<i32> {
    let signal = SIGNAL.load(Ordering::Relaxed) as i32;
    (signal != 0).then_some(signal)
}

/// Whether the user wants an end; says so, the first time.
pub(crate) fn asked() -> bool {
    let asked = signal().is_some();
    if asked && !SAID.swap(true, Ordering::Relaxed) {
        let words =
            "\nstopping: what was learnt so far is being saved (Ctrl-C again: leave at once)";
        // There is nowhere left to complain to where this fails.
        let _ = writeln!(io::stderr(), "{words}");
    }
    asked
}
