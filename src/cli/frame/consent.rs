//! Whether something may be changed: asked of a person, or said on the command line. A context that is protected wants its
//! own name said as well, and a configuration that is read-only allows nothing.

use clap::Args;

use super::{Failure, Output, ask};
use crate::model::Problem;
use crate::ops::Session;
use crate::settings;

/// What says that a protected context may be changed.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Consent")]
pub(in crate::cli) struct Unlock {
    /// Change something in a protected context: say its name once more.
    #[arg(long, value_name = "CONTEXT", add = crate::cli::complete::contexts())]
    unlock: Option<String>,
}

/// What says that something may be done that is asked for otherwise.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Consent")]
pub(in crate::cli) struct Consent {
    /// Do it without a question.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    unlock: Unlock,
}

impl Unlock {
    /// Whether anything may be changed in the session's context; a protected one is asked for at a terminal.
    pub(in crate::cli) async fn may_change(&self, session: &Session, output: Output) -> Result<(), Failure> {
        may_change_here().await?;
        let context = session.seat().ok().and_then(|seat| seat.context());
        let Some(name) = context.filter(|context| context.protected).map(|context| context.name.clone()) else {
            return Ok(());
        };
        match &self.unlock {
            Some(given) if *given == name => Ok(()),
            Some(given) => Err(Failure::Usage(
                Problem::new(format!("--unlock names {given}, but this would change {name}."))
                    .hint("Say where with --context, and the same name with --unlock."),
            )),
            None if output.can_ask() => {
                let typed = ask::word(format!("{name} is protected. Type its name to change it:")).await?;
                if typed == name { Ok(()) } else { Err(unchanged().into()) }
            }
            None => Err(Failure::Usage(
                Problem::new(format!("{name} is protected: nothing is changed."))
                    .hint(format!("Say that you mean it: --unlock {name}")),
            )),
        }
    }
}

impl Consent {
    /// True where nothing is asked.
    pub(in crate::cli) fn is_given(&self) -> bool {
        self.yes
    }

    /// The context's part of it alone.
    pub(in crate::cli) async fn may_change(&self, session: &Session, output: Output) -> Result<(), Failure> {
        self.unlock.may_change(session, output).await
    }

    /// Whether it may be done: the context allows it, and somebody says yes to `question`.
    pub(in crate::cli) async fn ask(&self, session: &Session, output: Output, question: String) -> Result<(), Failure> {
        self.may_change(session, output).await?;
        self.ask_here(output, question).await
    }

    /// The same for what is on this machine alone.
    pub(in crate::cli) async fn ask_here(&self, output: Output, question: String) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !output.can_ask() {
            return Err(unasked());
        }
        if ask::yes(question).await? { Ok(()) } else { Err(unchanged().into()) }
    }

    /// The same for what nothing brings back: `name` has to be typed.
    pub(in crate::cli) async fn ask_name(
        &self,
        session: &Session,
        output: Output,
        question: &str,
        name: &str,
    ) -> Result<(), Failure> {
        self.may_change(session, output).await?;
        self.ask_name_here(output, question, name).await
    }

    /// The same for what is on this machine alone.
    pub(in crate::cli) async fn ask_name_here(
        &self,
        output: Output,
        question: &str,
        name: &str,
    ) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !output.can_ask() {
            return Err(unasked());
        }
        let typed = ask::word(format!("{question} Type {name} to do it:")).await?;
        if typed == name { Ok(()) } else { Err(unchanged().into()) }
    }
}

/// Whether anything may be changed at all: not where the configuration is read-only.
pub(in crate::cli) async fn may_change_here() -> Result<(), Problem> {
    let loaded = tokio::task::spawn_blocking(settings::load).await;
    let loaded =
        loaded.map_err(|stopped| Problem::new("Reading the configuration stopped.").detail(stopped.to_string()))?;
    if loaded.map_err(|error| error.problem())?.config.ui.read_only {
        return Err(Problem::new("The configuration is read-only: nothing is changed.")
            .hint("Take read_only out of it to change anything."));
    }
    Ok(())
}

fn unasked() -> Failure {
    Failure::Usage(
        Problem::new("Nobody can be asked here, so nothing was done.")
            .detail("There is no terminal, or --non-interactive was given.")
            .hint("Say that you mean it: --yes"),
    )
}

/// What a no ends with.
pub(in crate::cli) fn unchanged() -> Problem {
    Problem::new("Nothing was done.").detail("Nobody said yes to it.")
}
