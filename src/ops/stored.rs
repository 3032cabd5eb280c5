//! Where credentials of a tenant were stored that the server hands out only once.

use crate::model::Problem;

/// Where they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// In the secrets of the tenant's profile.
    Profile {
        /// The profile's name.
        name: String,
        /// The file. Harmless text.
        path: String,
    },
    /// In a file of this program's own, because the tenant has no profile.
    Kept {
        /// The file. Harmless text.
        path: String,
    },
    /// Nowhere but in the reply: show them, or they are lost.
    Nowhere(Problem),
}
