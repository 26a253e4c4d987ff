//! The one place in this crate that reads the time. It measures and decides nothing; while nobody
//! asked for a profile it is not read at all.

use std::time::{Duration, Instant};

use lenslet_kernels::Kernels;

use super::{Phase, Profile, Span};
use crate::cpu::Cpu;

/// The time since a profile began; nothing while there is none.
#[derive(Clone, Copy, Default)]
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
pub(crate) struct Notes(pub(super) Vec<Note>);

#[derive(Clone, Copy)]
pub(super) struct Note {
    pub(super) part: Option<usize>,
    pub(super) phase: Phase,
    pub(super) image: Option<usize>,
    pub(super) start: Duration,
    pub(super) end: Duration,
    pub(super) made: u64,
}

impl Note {
    pub(super) fn span(&self, step: usize, thread: usize) -> Span {
        let Self { part, phase, image, start, end, made } = *self;
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
            self.0.push(Note { part, phase, image, start, end, made });
        }
    }
}

impl<K: Kernels> Cpu<K> {
    pub(crate) fn begin_profile(&mut self, traced: usize) {
        // Working memory comes with room for notes.
        self.training = None;
        self.notes = Notes(Vec::with_capacity(8 * (self.program.steps.len() + 1)));
        self.profile = Some(Profile::new(self, traced));
    }

    /// Notes of a thread that works on all images of a batch.
    pub(crate) fn room_for_notes(&self, batch: usize) -> Notes {
        let spans = self.profile.as_ref().map_or(0, |_| 2 * (self.program.steps.len() + 1));
        Notes(Vec::with_capacity(batch * spans))
    }

    /// Starts the clock, if the step that begins is to be timed.
    pub(crate) fn begin_step(&mut self) -> Option<Duration> {
        self.clock = Clock(self.profile.as_ref().map(|profile| profile.start));
        self.clock.now()
    }

    /// Stops it.
    pub(crate) fn end_step(&mut self, start: Option<Duration>, samples: usize) {
        self.notes.add(self.clock, start, None, Phase::Step, None);
        self.clock = Clock::default();
        if let Some(profile) = &mut self.profile {
            let locals = self.training.iter_mut().flat_map(|workspace| &mut workspace.locals);
            let locals = locals.map(|local| &mut local.notes).enumerate();
            profile.absorb(samples, std::iter::once((0, &mut self.notes)).chain(locals));
        }
    }
}
