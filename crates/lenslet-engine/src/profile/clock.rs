//! The one place in this crate that reads the time. It measures and decides nothing; while nobody
//! asked for a profile it is not read at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lenslet_kernels::{Kernels, Watch};

use super::{Phase, Profile, Span};
use crate::cpu::Cpu;

/// The time since a profile began; nothing while there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock(Option<Instant>);

impl Clock {
    /// Whether anybody wants to know.
    pub(crate) fn runs(self) -> bool {
        self.0.is_some()
    }

    /// Now; `None` where nobody wants to know.
    #[inline]
    pub(crate) fn now(self) -> Option<Duration> {
        self.0.map(|start| start.elapsed())
    }
}

/// What one thread notes in a step. Room for it all is there before the step begins.
#[derive(Default)]
pub(crate) struct Notes {
    pub(super) all: Vec<Note>,
    /// Whether all threads do what is noted here.
    shared: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Note {
    pub(super) part: Option<usize>,
    pub(super) phase: Phase,
    pub(super) image: Option<usize>,
    /// Whether all threads did it.
    pub(super) shared: bool,
    pub(super) start: Duration,
    pub(super) end: Duration,
    pub(super) made: u64,
}

impl Note {
    pub(super) fn span(&self, step: usize, thread: usize) -> Span {
        let Self { part, phase, image, start, end, made, .. } = *self;
        Span { step, thread, part, phase, image, start, end, made }
    }
}

impl Notes {
    /// Notes what was done since `start`, if that is wanted; `part` is a step of the program.
    #[inline]
    pub(crate) fn add(
        &mut self,
        clock: Clock,
        start: Option<Duration>,
        part: Option<usize>,
        phase: Phase,
        image: Option<usize>,
    ) {
        self.add_made(clock, start, part, phase, image, 0);
    }

    /// The same with the multiply-adds that were made.
    #[inline]
    pub(crate) fn add_made(
        &mut self,
        clock: Clock,
        start: Option<Duration>,
        part: Option<usize>,
        phase: Phase,
        image: Option<usize>,
        made: u64,
    ) {
        if let (Some(start), Some(end)) = (start, clock.now()) {
            let shared = image.is_none() || self.shared;
            self.all.push(Note { part, phase, image, shared, start, end, made });
        }
    }
}

/// When each thread of a team was at work: of what is done with a whole batch the engine itself sees
/// only that thread which hands out the tasks.
#[derive(Debug)]
pub(super) struct Shifts {
    clock: Clock,
    threads: Vec<Mutex<Vec<(Duration, Duration)>>>,
}

/// Between two tasks of a shift there is no longer pause.
const PAUSE: Duration = Duration::from_micros(2);
/// The most shifts of a thread in a step; what comes after these is not seen.
const MOST_SHIFTS: usize = 4096;

impl Shifts {
    pub(super) fn new(start: Instant, threads: usize) -> Self {
        let room = || Mutex::new(Vec::with_capacity(MOST_SHIFTS));
        Self { clock: Clock(Some(start)), threads: (0..threads).map(|_| room()).collect() }
    }

    fn of(&self, thread: usize) -> MutexGuard<'_, Vec<(Duration, Duration)>> {
        // Nothing panics while it holds the lock.
        self.threads[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From when to when a thread was at work, between two points in time.
    pub(super) fn between(
        &self,
        thread: usize,
        start: Duration,
        end: Duration,
    ) -> Option<(Duration, Duration)> {
        let shifts = self.of(thread);
        let mut inside = shifts.iter().filter(|shift| shift.0 < end && shift.1 > start);
        let first = inside.next()?;
        let last = inside.next_back().unwrap_or(first);
        Some((first.0.max(start), last.1.min(end)))
    }

    pub(super) fn clear(&self) {
        (0..self.threads.len()).for_each(|thread| self.of(thread).clear());
    }
}

impl Watch for Shifts {
    fn task(&self, worker: usize, task: &mut dyn FnMut()) {
        let start = self.clock.now();
        task();
        let (Some(start), Some(end)) = (start, self.clock.now()) else { return };
        let mut shifts = self.of(worker);
        let room = shifts.len() < MOST_SHIFTS;
        match shifts.last_mut() {
            Some(last) if start.saturating_sub(last.1) < PAUSE => last.1 = end,
            _ if room => shifts.push((start, end)),
            _ => {}
        }
    }
}

impl<K: Kernels> Cpu<K> {
    pub(crate) fn begin_profile(&mut self, traced: usize) {
        // Working memory comes with room for notes.
        self.training = None;
        let room = 8 * (self.program.steps.len() + 1);
        self.notes = Notes { all: Vec::with_capacity(room), shared: true };
        self.profile = Some(Profile::new(self, traced));
    }

    /// Notes of a thread that works on all images of a batch, or of all threads that do (`shared`).
    pub(crate) fn room_for_notes(&self, batch: usize, shared: bool) -> Notes {
        let spans = self.profile.as_ref().map_or(0, |_| 2 * (self.program.steps.len() + 2));
        Notes { all: Vec::with_capacity(batch * spans), shared }
    }

    /// Starts the clock, if the step that begins is to be timed.
    pub(crate) fn begin_step(&mut self) -> Option<Duration> {
        self.clock = Clock(self.profile.as_ref().map(|profile| profile.start));
        let shifts = self.profile.as_ref().and_then(|profile| profile.shifts.clone());
        self.team.watch(shifts.map(|shifts| shifts as Arc<dyn Watch>));
        self.clock.now()
    }

    /// Stops it.
    pub(crate) fn end_step(&mut self, start: Option<Duration>, samples: usize) {
        self.notes.add(self.clock, start, None, Phase::Step, None);
        self.clock = Clock::default();
        self.team.watch(None);
        if let Some(profile) = &mut self.profile {
            let locals = self.training.iter_mut().flat_map(|workspace| &mut workspace.locals);
            // What all threads do is on the track of the one that hands it out.
            let locals = locals.map(|local| &mut local.notes).enumerate();
            let threads = self.team.threads();
            let locals = locals.map(|(i, notes)| (i % threads, notes));
            profile.absorb(samples, std::iter::once((0, &mut self.notes)).chain(locals));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_cut_to_what_is_asked_for() {
        let at = Duration::from_micros;
        let shifts = Shifts::new(Instant::now(), 2);
        shifts.of(1).extend([(10, 20), (30, 40), (50, 60)].map(|(a, b)| (at(a), at(b))));
        for (start, end, expected) in [
            (0, 100, Some((10, 60))),
            (12, 35, Some((12, 35))),
            (25, 45, Some((30, 40))),
            (20, 30, None),
            (60, 90, None),
        ] {
            let expected = expected.map(|(a, b)| (at(a), at(b)));
            assert_eq!(shifts.between(1, at(start), at(end)), expected, "{start} to {end}");
        }
        assert_eq!(shifts.between(0, at(0), at(100)), None);
        shifts.clear();
        assert_eq!(shifts.between(1, at(0), at(100)), None);
    }

    #[test]
    fn tasks_in_a_row_are_one_shift() {
        let shifts = Shifts::new(Instant::now(), 1);
        let mut done = 0;
        for _ in 0..10 * MOST_SHIFTS {
            shifts.task(0, &mut || done += 1);
        }
        assert_eq!(done, 10 * MOST_SHIFTS);
        let some = shifts.of(0);
        assert!(some.len() <= MOST_SHIFTS && some.capacity() == MOST_SHIFTS);
        assert!(some.windows(2).all(|pair| pair[1].0 >= pair[0].1 + PAUSE));
    }
}
