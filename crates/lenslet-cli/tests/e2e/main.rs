//! Drives the program as a user does: arguments in, exit code, words and files out.

mod bad_input;
mod bench;
mod callbacks;
mod cifar10;
mod exchange;
mod faults;
mod folders;
mod help;
mod interrupt;
mod labels;
mod repeat;
mod resume;
mod support;
mod train;
mod use_run;
