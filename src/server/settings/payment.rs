//! How people pay.

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct PaymentSettings {}
