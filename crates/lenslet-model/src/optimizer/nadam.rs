//! Adam with Nesterov's momentum.

super::adaptive::adaptive! {
    /// Nadam (Dozat 2016): Adam that looks ahead by one step of its momentum, with Keras's schedule
    /// of the momentum, `beta_1 * (1 - 0.5 * 0.96^t)`.
    Nadam, "nadam"
}
