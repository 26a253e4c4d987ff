//! Adam with a trust ratio for each parameter tensor.

super::adaptive::adaptive! {
    /// LAMB (You et al. 2020): Adam's step of every parameter tensor is scaled so that its norm is
    /// `learning_rate` times the tensor's own: for large batches.
    Lamb, "lamb"
}
