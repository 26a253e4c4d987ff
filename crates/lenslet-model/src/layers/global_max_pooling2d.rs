//! Global max pooling.

super::global_pooling::global_pooling_layer! {
    /// Keeps the largest number of each channel.
    GlobalMaxPooling2D, "GlobalMaxPooling2D", "global_max_pooling2d"
}
