//! Under which addresses tenants answer.

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct DoorSettings {}
