//! The one shape in which an error reaches a person: what failed, with what, and what to do next
//! (protocol H).

use serde::Serialize;
use std::fmt;

use super::text;

/// Something the person can do about a problem; the screen shows the key that does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Do the same again.
    Retry,
    /// Log in again.
    LogIn,
    /// Deploy the tenant.
    Deploy,
    /// Open the full output.
    OpenLog,
    /// Give the tenant's database a new password.
    Rotate,
    /// Try again what failed while the tenant was made.
    RetryProvision,
    /// Watch what is under way on the tenant.
    Watch,
    /// Open the payment provider's page of the subscription.
    OpenPortal,
    /// Choose a plan.
    ChoosePlan,
    /// Start the suspended tenant.
    Activate,
    /// Remove the tenant from the project's list.
    RemoveEntry,
    /// Give the tenant a domain of its own.
    SetDomain,
}

/// An error as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What failed, in one short sentence.
    pub title: String,
    /// With what: the path, the address, the words of the other side. Harmless text.
    pub detail: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// The keys to offer.
    pub remedies: Vec<Remedy>,
    /// True where only a new login helps.
    pub requires_login: bool,
}

impl Problem {
    /// A problem that has only a title so far.
    #[must_use]
    pub fn new(title: impl AsRef<str>) -> Self {
        Self {
            title: text::line(title.as_ref()),
            detail: None,
            hint: None,
            remedies: Vec::new(),
            requires_login: false,
        }
    }

    /// Adds the detail.
    #[must_use]
    pub fn detail(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = Some(text::line(detail.as_ref()));
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(text::line(hint.as_ref()));
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    /// Marks the problem as one that a new login solves.
    #[must_use]
    pub fn needs_login(mut self) -> Self {
        self.requires_login = true;
        self.remedy(Remedy::LogIn)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        if let Some(detail) = &self.detail {
            write!(f, " {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
