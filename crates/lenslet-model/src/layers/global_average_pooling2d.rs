//! Global average pooling.

super::global_pooling::global_pooling_layer! {
    /// Keeps the mean of each channel (Lin et al. 2014).
    GlobalAveragePooling2D, "GlobalAveragePooling2D", "global_average_pooling2d"
}
