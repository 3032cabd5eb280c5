//! Why a machine does not run any more, as far as the engine knows.

use super::DockerProvider;
use crate::engine::ContainerState;

impl DockerProvider {
    pub(super) async fn explain_end(&self, id: &str) -> Option<String> {
        match self.own(id).await {
            Ok(None) => Some("was removed".to_owned()),
            Ok(Some(container)) if !container.running => Some(reason(&container)),
            _ => None,
        }
    }
}

/// Goes on after "the machine ...".
pub(super) fn reason(container: &ContainerState) -> String {
    let (code, limit) = (container.exit_code, container.memory_mb);
    if container.out_of_memory {
        return format!("ran out of memory: its limit is {limit} MB (exit code {code})");
    }
    match code {
        // 128 and the number of the signal.
        137 => "was killed (exit code 137)".to_owned(),
        code => format!("ended with exit code {code}"),
    }
}
