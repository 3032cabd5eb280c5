//! Floor 2: the client side of the Management API. Calls, event streams, and the errors of both.
//!
//! This room knows HTTP and the token. It must not know Docker, files or screens: what it says about a
//! failure is a [`crate::model::Problem`], and where that is shown is somebody else's business.

mod access;
pub mod base;
pub mod client;
pub mod error;
pub mod feed;
mod form;
pub mod oauth;
pub mod pace;
pub mod page;
pub mod probe;
mod token;
mod transport;

pub use access::FindLogin;
pub use base::BaseUrl;
pub use client::{Client, TenantList};
pub use error::{ApiError, Refusal};
pub use feed::{Feed, FeedItem};
pub use pace::Pace;
pub use page::{Page, Submitted};
pub use probe::probe;
pub use token::expires_at;
