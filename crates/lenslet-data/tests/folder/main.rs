//! Folders of images.

mod classes;
mod table;
mod tree;
