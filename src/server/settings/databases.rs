//! How tenants' databases are reached.

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct DatabaseSettings {
    /// `host:port` for machines, where it is not the administrator's.
    pub inside_host: Option<String>,
    /// `host:port` for people outside, where it is not the administrator's.
    pub outside_host: Option<String>,
}
