//! A profile as a table.

use std::fmt;

use super::{Phase, Profile, Total};

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The layers that the work was for; a word where it was for none.
    pub name: String,
    /// What was done; `None` for the line of what is left: threads waited for one another, or did
    /// what is too small to be listed.
    pub phase: Option<Phase>,
    /// How often, how long, how much.
    pub total: Total,
}

impl Profile {
    /// Layer by layer what was done, then what belongs to no layer, and last what is left of the
    /// time. The times add up to [`Self::step_total`]'s.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for index in 0..self.parts().len() {
            for phase in [Phase::Forward, Phase::Backward, Phase::BackwardUpdate, Phase::Pack] {
                self.push(&mut rows, Some(index), phase);
            }
        }
        for phase in [Phase::Forward, Phase::Backward, Phase::Sum, Phase::Update] {
            self.push(&mut rows, None, phase);
        }
        let worked = rows.iter().map(|row| row.total.time).sum();
        let time = self.step_total().time.saturating_sub(worked);
        let total = Total { time, ..Total::default() };
        rows.push(Row { name: "waiting and rest".to_owned(), phase: None, total });
        rows
    }

    /// The steps as a whole: their time, and all multiply-adds.
    pub fn step_total(&self) -> Total {
        let mut sum = self.total(None, Phase::Step);
        for total in self.totals.iter().flatten() {
            sum.multiply_adds += total.multiply_adds;
            sum.made += total.made;
        }
        sum
    }

    /// Appends what was done, if it was; to the line before if that is the same layer's.
    fn push(&self, rows: &mut Vec<Row>, part: Option<usize>, phase: Phase) {
        let total = self.total(part, phase);
        if total.calls == 0 {
            return;
        }
        let name = self.short_name(part, phase);
        let same = |row: &&mut Row| row.phase == Some(phase) && row.name == name;
        match rows.iter_mut().find(same) {
            Some(row) => row.total.add(total),
            None => rows.push(Row { name, phase: Some(phase), total }),
        }
    }

    /// `conv2d`, or `conv2d +2` where two more layers are done with it.
    pub(super) fn short_name(&self, part: Option<usize>, phase: Phase) -> String {
        let Some(part) = part else {
            let name = match phase {
                Phase::Sum => "gradients",
                Phase::Update => "parameters",
                Phase::Step => "step",
                _ => "loss",
            };
            return name.to_owned();
        };
        match self.parts()[part].layers(phase) {
            [] => "input".to_owned(),
            [layer] => layer.clone(),
            [first, others @ ..] => format!("{first} +{}", others.len()),
        }
    }

    /// Seconds of a step, on all threads at once, that a total makes up.
    fn seconds(&self, total: &Total) -> f64 {
        total.time.as_secs_f64() / self.threads() as f64
    }

    /// One line of numbers.
    fn line(&self, name: &str, phase: &str, total: &Total) -> String {
        let (seconds, all) = (self.seconds(total), self.seconds(&self.step_total()));
        let steps = self.steps().max(1) as f64;
        let rate = |count: u64| match count {
            0 => String::new(),
            _ => format!("{:.1}", 2.0 * count as f64 / seconds / 1e9),
        };
        let calls = if total.calls == 0 { String::new() } else { total.calls.to_string() };
        format!(
            "{:20} {phase:11} {calls:>7} {:>8.1} {:>5.1} {:>7.3} {:>8} {:>7}",
            cut(name, 20),
            seconds * 1e3,
            seconds / all * 100.0,
            seconds * 1e3 / steps,
            rate(total.multiply_adds),
            rate(total.made),
        )
    }
}

/// 80 columns: for each layer and phase how often it was done, its milliseconds in all and as a
/// share, those of a step, and the rate of its multiply-adds, by the definition and as made.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:20} {:11} {:>7} {:>8} {:>5} {:>7} {:>8} {:>7}",
            "layer", "phase", "calls", "total ms", "%", "ms/step", "GFLOP/s", "made"
        )?;
        for row in self.rows() {
            let phase = row.phase.map_or("", Phase::name);
            writeln!(f, "{}", self.line(&row.name, phase, &row.total).trim_end())?;
        }
        writeln!(f, "{}", self.line("step", "", &self.step_total()).trim_end())
    }
}

impl Total {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.time += other.time;
        self.multiply_adds += other.multiply_adds;
        self.made += other.made;
    }
}

/// At most `width` characters.
fn cut(name: &str, width: usize) -> String {
    if name.chars().count() <= width {
        return name.to_owned();
    }
    name.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn long_names_are_cut() {
        assert_eq!(cut("conv2d", 6), "conv2d");
        assert_eq!(cut("conv2d_1", 6), "conv2…");
    }
}
