//! The four panes, each with its own state, its drawing and its pictures, and the frame they share.

pub mod deploy;
pub mod events;
pub mod feed;
pub mod frame;
pub mod logs;
pub mod tenants;
