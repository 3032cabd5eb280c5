//! How people log in.

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct LoginSettings {}
