//! Payments: the webhook by which a payment provider tells of purchases, and the sandbox's own payment
//! provider, which shows a page and calls that webhook over HTTP like a real one.

pub mod page;
pub mod sandbox;
pub mod signature;
pub mod webhook;
