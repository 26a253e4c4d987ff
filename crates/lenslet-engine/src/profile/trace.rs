//! A profile's spans in the format of Chrome's trace viewer, which Perfetto reads too: the
//! "Trace Event Format" of the Chromium project, complete events (`X`) and names (`M`).

use serde_json::{Value, json};

use super::{Phase, Profile, Span};

impl Profile {
    /// The spans of [`Self::spans`] as JSON: a track for each thread. `chrome://tracing` and
    /// ui.perfetto.dev open it.
    pub fn chrome_trace(&self) -> String {
        let names = (0..self.threads()).map(thread_name);
        let events = names.chain(self.spans().iter().map(|span| self.event(span)));
        let trace = json!({
            "displayTimeUnit": "ms",
            "otherData": {
                "steps": self.steps(),
                "traced_steps": self.traced_steps(),
                "threads": self.threads(),
            },
            "traceEvents": events.collect::<Vec<_>>(),
        });
        trace.to_string()
    }

    fn event(&self, span: &Span) -> Value {
        let microseconds = |time: std::time::Duration| time.as_nanos() as f64 / 1e3;
        let layers = span.part.map_or(&[][..], |part| self.parts()[part].layers(span.phase));
        let name = match (span.part, layers) {
            (None, _) => self.short_name(None, span.phase),
            (_, []) => "input".to_owned(),
            (_, layers) => layers.join(" + "),
        };
        let name = match span.phase {
            Phase::Step => format!("step {}", span.step),
            phase => format!("{name} {}", phase.name()),
        };
        let mut args = json!({ "step": span.step, "layers": layers });
        if let Some(image) = span.image {
            args["image"] = image.into();
        }
        if span.made > 0 {
            args["multiply_adds_made"] = span.made.into();
        }
        json!({
            "ph": "X",
            "pid": 0,
            "tid": span.thread,
            "name": name,
            "cat": span.phase.name(),
            "ts": microseconds(span.start),
            "dur": microseconds(span.end - span.start),
            "args": args,
        })
    }
}

fn thread_name(thread: usize) -> Value {
    let name = format!("thread {thread}");
    json!({ "ph": "M", "pid": 0, "tid": thread, "name": "thread_name", "args": { "name": name } })
}
