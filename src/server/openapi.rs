//! The API's own description, OpenAPI 3.1, made from the handlers and the types that they read and write: what every
//! call may answer besides success, who may call, and the document itself.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, RefOr};
use utoipa::{IntoResponses, Modify};

/// The document without its paths: the router adds them.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "tenantry Management API",
        description = "Buy, provision, deploy and run tenants. Every refusal has the form `{\"error\": {\"code\", \
                       \"message\", \"details\"}}`.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(crate::model::envelope::ErrorBody, crate::model::ProvisioningEvent, crate::model::LogEntry)),
    modifiers(&Login)
)]
pub struct Document;

/// How callers say who they are.
struct Login;

impl Modify for Login {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("login", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// One frame of an event stream, as programs read it.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "only described: frames are written by hand")]
pub struct EventFrame {
    /// Decimal, growing; what `Last-Event-ID` brings back.
    id: Option<String>,
    /// `provisioning`, `log`, `heartbeat` or `reset`.
    event: Option<String>,
    /// One JSON object on one line: a `ProvisioningEvent` or a `LogEntry`.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// Milliseconds.
    retry: Option<u32>,
}

/// A secret's name.
#[derive(utoipa::ToSchema)]
#[schema(pattern = "^[A-Z][A-Z0-9_]{0,127}$")]
#[allow(dead_code, reason = "only described")]
pub struct SecretName(String);

/// Memory of a machine, MB (protocol F.5).
#[must_use]
pub fn memory() -> Schema {
    ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([256, 512, 1024, 2048])).build().into()
}

/// What a tenant can be switched to.
#[must_use]
pub fn switch() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["suspended", "active"])).build().into()
}

/// What any call may be refused with.
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[
            ("400", "What was sent cannot be read."),
            ("405", "This path does not know this method."),
            ("413", "The body is too large."),
            ("414", "The address is too long."),
            ("415", "The body has another type than this call reads."),
            ("422", "What was sent is not allowed."),
            ("429", "Too many calls; `Retry-After` says when to come back."),
            ("500", "The server failed; the message begins with what failed."),
            ("503", "The server cannot do it now; `Retry-After` says when to come back."),
        ])
    }
}

/// What a call that needs a login may be refused with.
pub struct LoginRefusals;

impl IntoResponses for LoginRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = refusals(&[
            ("401", "No login, or one that is over."),
            ("403", "Not allowed to this account; `details.reason` says why."),
        ]);
        all.extend(Refusals::responses());
        all
    }
}

/// What a call about one tenant may be refused with.
pub struct TenantRefusals;

impl IntoResponses for TenantRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = refusals(&[
            ("404", "There is no such tenant, or not what was asked for in it."),
            ("409", "Not possible in the state that the tenant is in, or another operation is running."),
        ]);
        all.extend(LoginRefusals::responses());
        all
    }
}

fn refusals(all: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let body = || ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    let refusal = |text: &str| ResponseBuilder::new().description(text).content("application/json", body()).build();
    all.iter().map(|(status, text)| ((*status).to_owned(), RefOr::T(refusal(text)))).collect()
}
