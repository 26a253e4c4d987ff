//! Product of several values.

super::broadcast::joining_layer! {
    /// The product, number by number, of several values: a gate for each channel of a picture (Hu et
    /// al. 2018), for example.
    Multiply, "multiply"
}
