//! Average pooling.

super::pooling::pooling_layer! {
    /// Keeps the mean of every window, channel by channel; padding does not count.
    AveragePool2D, "AveragePooling2D", "average_pooling2d"
}
