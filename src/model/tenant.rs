//! A tenant as the API shows it (protocol B.10, B.11, B.16), and the one word that the screen shows.

use serde::{Deserialize, Serialize};

use super::{LocalState, Phase, PlanInfo, TenantId};
use super::{lenient, text};

/// A tenant's record. Only id and name are promised by every server; the rest may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(remote = "Self")]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    #[serde(deserialize_with = "text::harmless")]
    pub name: String,
    /// Lifecycle: `pending`, `active`, `suspended`, `deleted`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub status: Option<String>,
    /// The machine's side of it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub fly_status: Option<String>,
    /// The exact phase, from servers that say it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub phase: Option<String>,
    /// The provider's name for the app.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub fly_app_name: Option<String>,
    /// The machine's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub fly_machine_id: Option<String>,
    /// The volume's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub fly_volume_id: Option<String>,
    /// Host name, without scheme.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub hostname: Option<String>,
    /// The same in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub fly_hostname: Option<String>,
    /// Its name inside the provider's network.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub internal_hostname: Option<String>,
    /// Its own domain, where one is set.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub custom_domain: Option<String>,
    /// Where it answers.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub app_url: Option<String>,
    /// Its own port, for programs on the server's machine that cannot resolve its host name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub direct_url: Option<String>,
    /// Region code.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub region: Option<String>,
    /// Memory of the machine, MB.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count_opt")]
    pub memory_mb: Option<u32>,
    /// Size of the volume, GB.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count_opt")]
    pub volume_gb: Option<u32>,
    /// The plan it was bought on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanInfo>,
    /// That plan's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub plan_id: Option<String>,
    /// The payment provider's id of what is paid.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub subscription_id: Option<String>,
    /// `active`, `trialing`, `past_due`, `paused`, `canceled`, or a word of a newer server.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub subscription_status: Option<String>,
    /// True where its database can be reached from outside; absent where the server does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_db_access: Option<bool>,
    /// `postgres`, or `simulated` where there are credentials alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub database: Option<String>,
    /// The database's name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub database_name: Option<String>,
    /// The database's user.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub user_name: Option<String>,
    /// The image reference that the tenant deploys.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub image: Option<String>,
    /// The digest that runs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub image_digest: Option<String>,
    /// When the running image was deployed, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub deployed_at: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub created_at: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub updated_at: Option<String>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub last_error: Option<String>,
}

// K35: older servers say `app_id`.
lenient::older_names!(Tenant, "app_id" => "fly_app_name");

impl Tenant {
    /// True for a database on this machine (protocol E.11): no cloud knows it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.id.as_str().starts_with("local_") || self.region.as_deref() == Some("local")
    }

    /// What the screen says about it.
    #[must_use]
    pub fn state(&self) -> TenantState {
        if self.is_local() {
            return TenantState::Local(LocalState::from_word(self.status.as_deref().unwrap_or_default()));
        }
        let phase = self.phase.as_deref().and_then(Phase::from_word);
        match (phase, self.fly_status.as_deref(), self.status.as_deref()) {
            (Some(phase), _, _) => TenantState::from(phase),
            (None, Some(word @ ("awaiting_deploy" | "running" | "failed")), _) => TenantState::from_word(word),
            (None, _, Some("suspended")) => TenantState::Suspended,
            (None, Some(word), _) | (None, None, Some(word)) => TenantState::from_word(word),
            (None, None, None) => TenantState::Unknown,
        }
    }
}

/// Answer of `GET /status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(remote = "Self")]
pub struct TenantStatus {
    /// The word to poll for; with a compatible server not the whole truth (protocol C.4).
    #[serde(deserialize_with = "text::harmless")]
    pub status: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub message: Option<String>,
    /// The tenant's address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub app_url: Option<String>,
    /// The one-time credentials' address, while they wait. Holds a token: kept out of `Debug` by being a secret.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "expose_opt")]
    pub secrets_url: Option<super::Secret>,
    /// The exact phase, from servers that say it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub phase: Option<String>,
    /// The machine's side of it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub fly_status: Option<String>,
    /// The digest reference that runs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub image: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub deployed_at: Option<String>,
    /// What the provider said last about the machine; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub machine_state: Option<String>,
    /// What is set takes effect only when the machine is started again.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub restart_required: bool,
    /// `postgres`, or `simulated` where there are credentials alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub database: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub updated_at: Option<String>,
}

// K34: older servers say `url`, and newer ones may say both.
lenient::older_names!(TenantStatus, "url" => "app_url");

impl TenantStatus {
    /// What the screen says: `phase` before `status` (protocol C.4).
    #[must_use]
    pub fn state(&self) -> TenantState {
        match self.phase.as_deref().and_then(Phase::from_word) {
            Some(phase) => TenantState::from(phase),
            None => TenantState::from_word(&self.status),
        }
    }
}

#[allow(clippy::ref_option, reason = "serde's signature")]
fn expose_opt<S: serde::Serializer>(secret: &Option<super::Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => super::secret::expose(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// What a person is told about a tenant: a glyph, a word and a colour on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TenantState {
    /// Infrastructure is being made.
    Provisioning,
    /// Waits for its first deploy.
    ToDeploy,
    /// A version is being started.
    Deploying,
    /// Answers.
    Running,
    /// Is being restarted.
    Restarting,
    /// Stopped, kept.
    Suspended,
    /// Something failed.
    Failed,
    /// Is being removed.
    Deleting,
    /// A word this program does not know.
    Unknown,
    /// A database on this machine, which has words of its own.
    Local(LocalState),
}

impl TenantState {
    /// The state for any of the words the API uses (protocol F.2).
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "pending" | "provisioning" => Self::Provisioning,
            "awaiting_deploy" => Self::ToDeploy,
            "deploying" => Self::Deploying,
            "ready" | "running" | "deployed" | "active" => Self::Running,
            "restarting" => Self::Restarting,
            "suspended" | "stopped" => Self::Suspended,
            "failed" | "error" => Self::Failed,
            "deleting" | "deleted" => Self::Deleting,
            _ => Self::Unknown,
        }
    }

    /// The word on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::ToDeploy => "to deploy",
            Self::Deploying => "deploying",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Unknown => "unknown",
            Self::Local(state) => state.word(),
        }
    }

    /// True while something is under way that ends by itself.
    #[must_use]
    pub fn is_moving(self) -> bool {
        matches!(
            self,
            Self::Provisioning
                | Self::Deploying
                | Self::Restarting
                | Self::Deleting
                | Self::Local(LocalState::Starting)
        )
    }
}

impl From<Phase> for TenantState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Created | Phase::Provisioning => Self::Provisioning,
            Phase::AwaitingDeploy => Self::ToDeploy,
            Phase::Deploying => Self::Deploying,
            Phase::Running => Self::Running,
            Phase::Restarting => Self::Restarting,
            Phase::Suspended => Self::Suspended,
            Phase::FailedInfra | Phase::FailedDeploy => Self::Failed,
            Phase::Deleting | Phase::Deleted => Self::Deleting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(json: &str) -> Tenant {
        serde_json::from_str(json).expect("a tenant")
    }

    #[test]
    fn the_phase_wins_over_the_compatible_status() {
        let status: TenantStatus =
            serde_json::from_str(r#"{"status":"ready","phase":"awaiting_deploy"}"#).expect("a status");
        assert_eq!(status.state(), TenantState::ToDeploy);
    }

    #[test]
    fn the_newer_of_two_names_counts_and_null_is_absent() {
        let status: TenantStatus =
            serde_json::from_str(r#"{"status":"ready","url":"http://old","app_url":"http://new"}"#).expect("a status");
        assert_eq!(status.app_url.as_deref(), Some("http://new"));
        let read = tenant(
            r#"{"id":"t","name":"n","app_id":"old","fly_app_name":"new","memory_mb":512.0,"volume_gb":null,
                "plan":{"name":"Basic","memory_mb":null}}"#,
        );
        assert_eq!((read.fly_app_name.as_deref(), read.memory_mb, read.volume_gb), (Some("new"), Some(512), None));
        let written = serde_json::to_value(&read).expect("JSON");
        assert_eq!((&written["fly_app_name"], written.get("app_id")), (&serde_json::json!("new"), None));
    }

    #[test]
    fn a_record_without_phase_is_read_from_its_older_words() {
        for (json, state) in [
            (r#"{"id":"t","name":"n"}"#, TenantState::Unknown),
            (r#"{"id":"t","name":"n","status":"pending"}"#, TenantState::Provisioning),
            (r#"{"id":"t","name":"n","status":"active","fly_status":"awaiting_deploy"}"#, TenantState::ToDeploy),
            (r#"{"id":"t","name":"n","status":"active","fly_status":"running"}"#, TenantState::Running),
            (r#"{"id":"t","name":"n","status":"suspended","fly_status":"stopped"}"#, TenantState::Suspended),
            (r#"{"id":"t","name":"n","status":"pending","fly_status":"failed"}"#, TenantState::Failed),
            (r#"{"id":"t","name":"n","status":"quiescing"}"#, TenantState::Unknown),
        ] {
            assert_eq!(tenant(json).state(), state, "{json}");
        }
    }

    #[test]
    fn the_full_record_is_read() {
        let json = r#"{"id": "3f6c1b8e-52d4", "name": "3f6c1b8e52d4", "status": "active", "fly_status": "running",
            "phase": "running", "fly_hostname": "sp-3f6c1b8e52d4.fly.dev", "internal_hostname": "sp-3f6c.internal",
            "custom_domain": "app.orchard.example", "subscription_id": "sub_01hsamplep4", "external_db_access": true,
            "database_name": "site_3f6c1b8e52d4", "user_name": "tenant_3f6c1b8e52d4", "plan_id": null,
            "updated_at": "2026-01-09T10:09:40Z"}"#;
        let read = tenant(json);
        assert_eq!(read.custom_domain.as_deref(), Some("app.orchard.example"));
        assert_eq!((read.external_db_access, read.plan_id), (Some(true), None));
        assert_eq!(read.database_name.as_deref(), Some("site_3f6c1b8e52d4"));
        assert_eq!(tenant(r#"{"id":"t","name":"n"}"#).external_db_access, None);
    }

    #[test]
    fn a_status_says_whether_a_restart_is_wanted() {
        for (json, wanted) in [
            (r#"{"status":"ready"}"#, false),
            (r#"{"status":"ready","restart_required":null}"#, false),
            (r#"{"status":"ready","restart_required":true}"#, true),
        ] {
            let status: TenantStatus = serde_json::from_str(json).expect("a status");
            assert_eq!(status.restart_required, wanted, "{json}");
        }
    }

    #[test]
    fn names_are_harmless_and_hostile_ids_are_refused() {
        assert_eq!(tenant(r#"{"id":"t","name":"or\u001b]0;x\u0007chard\n"}"#).name, "orchard ");
        assert!(serde_json::from_str::<Tenant>(r#"{"id":"../t","name":"n"}"#).is_err());
    }

    #[test]
    fn the_one_time_link_is_not_in_debug() {
        let status: TenantStatus =
            serde_json::from_str(r#"{"status":"ready","secrets_url":"http://h/credentials/sct_x"}"#).expect("a status");
        assert!(!format!("{status:?}").contains("sct_x"));
    }
}
