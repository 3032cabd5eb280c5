//! Who is logged in (protocol B.2).

use serde::{Deserialize, Serialize};

use super::{PlanInfo, lenient, text};

/// The user behind a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// Opaque id.
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// Shown in the header.
    #[serde(deserialize_with = "text::harmless")]
    pub email: String,
    /// The name, where the provider told it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub name: Option<String>,
}

/// The paying customer; absent until the first purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Customer {
    /// `ctm_...`
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// The payment provider's word for it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub status: Option<String>,
}

/// The organisation that an account belongs to, by the domain of its e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Enterprise {
    /// Opaque id.
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// Its name.
    #[serde(deserialize_with = "text::harmless")]
    pub name: String,
    /// Its domain.
    #[serde(default, deserialize_with = "lenient::text")]
    pub domain: String,
    /// What it pays for, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::maybe")]
    pub plan: Option<PlanInfo>,
}

/// Answer of `GET /api/v1/auth/me`, without its tenant list: that one is read by the tenant endpoints,
/// which say more, so nothing here can make a login fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// The user.
    pub user: User,
    /// The customer, after the first purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// The organisation, where the account belongs to one. An odd one is none: nothing here may make a login fail.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::maybe")]
    pub enterprise: Option<Enterprise>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_read_and_an_odd_one_makes_no_login_fail() {
        let me = |enterprise: &str| -> Me {
            let json =
                format!(r#"{{"user": {{"id": "u", "email": "m@orchard.example"}}, "enterprise": {enterprise}}}"#);
            serde_json::from_str(&json).expect("who")
        };
        let whole = r#"{"id": "ent_1", "name": "Orchard", "domain": "orchard.example", "plan": {"name": "Pro"}}"#;
        let read = me(whole).enterprise.expect("an organisation");
        assert_eq!((read.name.as_str(), read.plan.map(|plan| plan.name)), ("Orchard", Some("Pro".to_owned())));
        for odd in ["null", "5", "{}", r#"{"id": "ent_1"}"#] {
            assert_eq!(me(odd).enterprise, None, "{odd}");
        }
    }
}
