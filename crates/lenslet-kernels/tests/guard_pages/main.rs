//! No kernel reads or writes an element too far: every slice ends right before a page that the
//! system protects, and once more starts right behind one. An access beyond it ends the process.
//!
//! The results must not depend on where the slices lie either: both runs give the same bits.

#![cfg(unix)]

mod channels;
#[path = "../common/mod.rs"]
mod common;
mod convolution;
mod coverage;
mod elements;
mod guarded;
mod layers;
mod losses;
mod optimizers;

use common::{Random, isas, narrow};
use guarded::{Guard, Guarded};
use lenslet_kernels::{Fast, Isa, Team};

/// Hands out guarded slices, and keeps what was computed in them.
struct Bench {
    guard: Guard,
    random: Random,
    team: Team,
    results: Vec<u32>,
}

impl Bench {
    /// Slices of every awkward length: around whole vectors of any instruction set, and pages.
    const LENGTHS: [usize; 22] =
        [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 257, 1024, 1025];

    fn numbers(&self, n: usize) -> Guarded<f32> {
        Guarded::new(self.guard, &narrow(&self.random.normal(n)))
    }

    /// For what a kernel must write before it reads.
    fn nothing(&self, n: usize) -> Guarded<f32> {
        Guarded::new(self.guard, &vec![f32::NAN; n])
    }

    fn indices(&self, n: usize) -> Guarded<u32> {
        Guarded::new(self.guard, &vec![u32::MAX; n])
    }

    fn keep(&mut self, results: &[f32]) {
        self.results.extend(results.iter().map(|x| x.to_bits()));
    }
}

/// Runs `test` with slices at either guard page, on every instruction set.
fn at_both_guards(test: impl Fn(Isa, &mut Bench)) {
    for isa in isas() {
        let [before, behind] = [Guard::Before, Guard::Behind].map(|guard| {
            let (random, team) = (Random::new(1), Team::new(2));
            let mut bench = Bench { guard, random, team, results: Vec::new() };
            test(isa, &mut bench);
            bench.results
        });
        assert!(before == behind, "{isa}: the results depend on where the slices lie");
    }
}

/// As [`at_both_guards`], for the kernels that are not convolutions.
fn each_kernel(test: impl Fn(Fast, &mut Bench)) {
    at_both_guards(|isa, bench| test(Fast::new(isa), bench));
}

/// The guard works: this process would not outlive what its child does not.
#[test]
fn one_element_too_far_ends_the_process() {
    const NAME: &str = "one_element_too_far_ends_the_process";
    const CHILD: &str = "LENSLET_GUARD_PAGE_CHILD";
    if let Ok(guard) = std::env::var(CHILD) {
        let behind = guard == "behind";
        let slice = Guarded::new(if behind { Guard::Behind } else { Guard::Before }, &[1u32; 5]);
        let beyond = slice.as_ptr().wrapping_offset(if behind { 5 } else { -1 });
        // SAFETY: none; the system stops it.
        let read = unsafe { beyond.read_volatile() };
        println!("survived with {read}");
        return;
    }
    for guard in ["behind", "before"] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", NAME, "--nocapture"]).env(CHILD, guard);
        let output = child.output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && !out.contains("survived"), "{guard}: {out}");
    }
}
