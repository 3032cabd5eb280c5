//! Which way the image of a deploy comes to the registry, decided before anything is done.

use super::{ImageSource, Options};
use crate::model::progress::DeployStep;
use crate::model::{DeployRecord, Digest, ImageReference, Problem, RegistryToken, TenantId};
use crate::ops::doctor::Cleared;
use crate::ops::record::Origin;
use crate::ops::resume::{Resume, resumable};
use crate::ops::{Session, history, push};

/// The way.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// Build it from the project.
    Build,
    /// Go on with what a deploy that was broken off had done.
    Resume(Box<Resume>),
    /// Bring the image of an earlier deploy back.
    BringBack(Box<DeployRecord>),
    /// An image or tag on the engine.
    Local(String),
    /// What the engine has under the tenant's own name.
    Tagged,
    /// What the registry holds already.
    Registry,
}

impl Plan {
    /// What `options` ask for.
    pub(super) async fn choose(session: &Session, tenant: &TenantId, options: &Options) -> Result<Self, Problem> {
        if options.resume {
            let records = history::records(session, tenant).await?;
            return Ok(Self::Resume(Box::new(still_there(session, resumable(&records)).await?)));
        }
        Ok(match &options.source {
            ImageSource::Build => Self::Build,
            ImageSource::Local(name) => Self::Local(name.clone()),
            ImageSource::Tagged => Self::Tagged,
            ImageSource::Recorded(record) => Self::BringBack(record.clone()),
            ImageSource::Registry => Self::Registry,
        })
    }

    /// What the record says of where the image came from.
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Build => Origin::Project,
            Self::Resume(resume) => Origin::Resumed(resume.clone()),
            Self::BringBack(record) => Origin::Rollback(record.clone()),
            Self::Local(_) | Self::Tagged | Self::Registry => Origin::Elsewhere,
        }
    }

    pub(super) fn builds_project(&self) -> bool {
        matches!(self, Self::Build)
    }

    /// True where the image is made now, so that the project must be fit for it.
    pub(super) fn makes_image(&self) -> bool {
        match self {
            Self::Build => true,
            Self::Resume(resume) => resume.from <= DeployStep::Build,
            Self::BringBack(_) | Self::Local(_) | Self::Tagged | Self::Registry => false,
        }
    }

    /// Why the project's own build is left out, where it is.
    pub(super) fn why_no_project_build(&self, options: &Options) -> Option<&'static str> {
        match self {
            Self::Resume(_) => Some("done before the deploy was broken off"),
            Self::BringBack(_) => Some("an earlier image is brought back"),
            Self::Local(_) | Self::Tagged => Some("an image was named"),
            Self::Registry => Some("the registry's image is taken as it is"),
            Self::Build if !options.project_build => Some("not asked for"),
            Self::Build => None,
        }
    }

    /// What the image is made of, where several tenants get the same one; `None` where each has its own.
    pub(super) fn shared(&self, cleared: &Cleared) -> Option<String> {
        match self {
            // A profile may have a Dockerfile and secrets of its own.
            Self::Build => {
                let profile = cleared.profile.as_ref().map_or("", |profile| &profile.name);
                Some(format!("{} with {profile:?}", cleared.dockerfile))
            }
            Self::Local(name) => Some(name.clone()),
            Self::Resume(_) | Self::BringBack(_) | Self::Tagged | Self::Registry => None,
        }
    }

    /// The earlier deploy whose image is brought back.
    pub(super) fn to_bring_back(&self) -> Option<&DeployRecord> {
        match self {
            Self::BringBack(record) => Some(record),
            _ => None,
        }
    }

    /// The image on the engine that is taken as it is; `target` is the tenant's name for it.
    pub(super) fn local(&self, target: &ImageReference) -> Option<String> {
        match self {
            Self::Local(name) => Some(name.clone()),
            Self::Tagged => Some(target.to_string()),
            Self::Resume(resume) if resume.from == DeployStep::Push => resume.record.image_id.clone(),
            _ => None,
        }
    }

    /// The engine's id of an image that is not made now, where it is known.
    pub(super) fn image_id(&self) -> Option<String> {
        match self {
            Self::Resume(resume) => resume.record.image_id.clone(),
            _ => None,
        }
    }

    /// Why nothing is built or pushed, where what the registry holds already is deployed.
    pub(super) fn why_nothing_is_pushed(&self) -> Option<&'static str> {
        match self {
            Self::Registry => Some("the registry's image is taken as it is"),
            Self::Resume(resume) if resume.from > DeployStep::Push => Some("done before the deploy was broken off"),
            _ => None,
        }
    }

    /// What the registry holds, where that is what is to be deployed.
    pub(super) async fn held(&self, token: &RegistryToken) -> Result<Digest, Problem> {
        let wanted = match self {
            Self::Resume(resume) => resume.record.digest.as_ref(),
            _ => None,
        };
        match (push::held(token).await?, wanted) {
            (Some(held), Some(wanted)) if held != *wanted => {
                Err(Problem::new("The registry holds another image by now.")
                    .detail(format!("{} was pushed, {} is there.", wanted.short(), held.short()))
                    .hint("Deploy without --resume, or deploy what is there with --skip-push."))
            }
            (Some(held), _) => Ok(held),
            (None, Some(wanted)) => Err(Problem::new("Image not in the registry.")
                .detail(format!("{} was pushed, and is gone.", wanted.short()))
                .hint("Deploy without --resume: the image is pushed again.")),
            (None, None) => Err(Problem::new("Image not in the registry.")
                .detail(format!("Nothing was pushed as {}.", token.tag))
                .hint("Push first: deploy without --skip-push.")),
        }
    }
}

/// The latest step to go on from whose image is still on the engine, where it has to be.
async fn still_there(session: &Session, resume: Option<Resume>) -> Result<Resume, Problem> {
    let mut next = resume;
    while let Some(resume) = next {
        if resume.from != DeployStep::Push {
            return Ok(resume);
        }
        let engine = session.engine().await?;
        let id = resume.record.image_id.as_deref().unwrap_or_default();
        if engine.image_id(id).await.map_err(|error| error.problem())?.is_some() {
            return Ok(resume);
        }
        next = resume.earlier();
    }
    Err(Problem::new("Nothing to go on with.")
        .detail("The last deploy from this machine came to its end, or left nothing that could be used.")
        .hint("Deploy without --resume."))
}
