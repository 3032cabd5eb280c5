//! Is an image for the platform that was asked for? The classic builder takes an image of any platform out of its
//! cache, and says nothing.
//!
//! Must not know how the image was built.

use super::connect::Engine;
use super::error::{BuildErrorKind, EngineError};
use crate::model::{ImageReference, text};

impl Engine {
    /// Fails where the image `id` is for another platform than `asked`, and takes the name `image` away from it, so that
    /// nobody deploys it.
    pub(super) async fn expect_platform(
        &self,
        id: &str,
        image: &ImageReference,
        asked: &str,
    ) -> Result<(), EngineError> {
        let found = self.docker.inspect_image(id).await.map_err(|error| self.explain(error))?;
        let (system, architecture) = (found.os.unwrap_or_default(), found.architecture.unwrap_or_default());
        if is_for(&system, &architecture, asked) {
            return Ok(());
        }
        if let Err(error) = self.remove_image(&image.to_string()).await {
            tracing::warn!(%error, %image, "an image for the wrong platform keeps its name");
        }
        let message = format!("The image is for {system}/{architecture}, and {asked} was asked for.");
        Err(EngineError::Build { kind: BuildErrorKind::NeedsBuildKit, step: None, message: text::short(&message, 400) })
    }
}

/// `asked` is `linux/arm64`, `linux/arm/v7`, or one part alone: a system or an architecture.
fn is_for(system: &str, architecture: &str, asked: &str) -> bool {
    let asked = asked.to_lowercase();
    let mut parts = asked.split('/');
    let fits = |part: &str| match part {
        "x86_64" | "x86-64" => architecture == "amd64",
        "aarch64" => architecture == "arm64",
        part => part == architecture,
    };
    match (parts.next().unwrap_or_default(), parts.next()) {
        (one, None) => one == system || fits(one),
        (first, Some(second)) => first == system && fits(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_as_people_write_them() {
        for (asked, expected) in [
            ("linux/arm64", true),
            ("linux/arm64/v8", true),
            ("Linux/aarch64", true),
            ("arm64", true),
            ("linux", true),
            ("linux/amd64", false),
            ("linux/x86_64", false),
            ("windows/arm64", false),
            ("amd64", false),
        ] {
            assert_eq!(is_for("linux", "arm64", asked), expected, "{asked}");
        }
    }
}
