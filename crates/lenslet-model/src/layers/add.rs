//! Sum of several values.

super::broadcast::joining_layer! {
    /// The sum of several values: a shortcut around layers (He et al. 2016).
    Add, "add"
}
