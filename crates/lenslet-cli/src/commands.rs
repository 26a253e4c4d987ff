//! One file per command: its arguments, and what they do.

pub(crate) mod bench;
pub(crate) mod data;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod filter;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod lr_find;
pub(crate) mod models;
pub(crate) mod plot;
pub(crate) mod predict;
pub(crate) mod summary;
pub(crate) mod train;
