//! Tests of the whole room: flows through `update`, pictures of whole screens, random play, and the loop.

mod again;
mod allocations;
mod ascii;
mod bought;
mod clipboard;
mod deploys;
mod dialogs;
mod first_start;
mod flows;
mod local;
mod login;
mod looping;
mod outside;
mod pictures;
mod random;
mod readme;
mod recalled;
mod remapped;
mod session;
mod sheets;
mod small;
mod unasked;
mod under_way;
mod wishes;
