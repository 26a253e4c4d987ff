//! What this crate draws random numbers for: the `purpose` of each
//! [`Stream`](lenslet_kernels::Stream), all beginning with `0xDA` so that no other crate's
//! purposes meet them. Changing one changes what every recorded seed means.

/// The order of the training pictures; the step is the epoch.
pub(crate) const SHUFFLE: u32 = 0xDA_0001;
/// Which pictures of a folder become the test part; the step is the class.
pub(crate) const HOLD_OUT: u32 = 0xDA_0002;
/// One synthetic picture; the step is the picture's number.
pub(crate) const SYNTHETIC: u32 = 0xDA_0003;
/// The order of the classes in a synthetic set; the step is the part.
pub(crate) const SYNTHETIC_ORDER: u32 = 0xDA_0004;
/// One synthetic scene; the step is the picture's number.
pub(crate) const SCENE: u32 = 0xDA_0005;
