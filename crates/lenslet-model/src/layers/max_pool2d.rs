//! Maximum pooling.

super::pooling::pooling_layer! {
    /// Keeps the largest value of every window, channel by channel.
    MaxPool2D, "MaxPooling2D", "max_pooling2d"
}
