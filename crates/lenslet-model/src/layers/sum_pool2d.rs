//! Sum pooling.

super::pooling::pooling_layer! {
    /// Keeps the sum of every window, channel by channel.
    SumPool2D, "SumPooling2D", "sum_pooling2d"
}
