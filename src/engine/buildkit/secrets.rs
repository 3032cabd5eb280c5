//! The secrets of a build, for the steps that name them. Must not know who asks; shows no value to anybody else.

use bollard_buildkit_proto::moby::buildkit::secrets::v1::GetSecretResponse;
use std::collections::HashMap;
use tonic::Status;

use crate::engine::build::BuildSecret;
use crate::model::Secret;

/// Values by their ids.
#[derive(Debug, Default)]
pub(super) struct Secrets(HashMap<String, Secret>);

impl Secrets {
    pub(super) fn new(secrets: &[BuildSecret]) -> Self {
        Self(secrets.iter().map(|secret| (secret.id.clone(), secret.value.clone())).collect())
    }

    /// The value of a secret that was given for this build.
    pub(super) fn answer(&self, id: &str) -> Result<GetSecretResponse, Status> {
        let value = self.0.get(id).ok_or_else(|| Status::not_found(format!("the build has no secret {id:?}")))?;
        Ok(GetSecretResponse { data: value.reveal().as_bytes().to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_given_by_its_id_and_shown_to_nobody() {
        let secrets = Secrets::new(&[BuildSecret { id: "token".into(), value: Secret::new("hunter2") }]);
        assert_eq!(secrets.answer("token").unwrap().data, b"hunter2");
        assert_eq!(secrets.answer("other").unwrap_err().code(), tonic::Code::NotFound);
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }
}
