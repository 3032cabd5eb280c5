//! `tenantry completions`, and what a shell asks while somebody types: commands, options, and the names of tenants and
//! contexts. Reads this machine's files alone: whoever presses Tab waits for no network and is asked for no password.

use clap::{Args, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use std::collections::BTreeSet;
use std::ffi::OsString;

use super::exit::Exit;
use super::frame::{Failure, print};
use crate::model::Problem;
use crate::model::{MetricsRange, REGIONS};
use crate::ops::login::{Seat, Surroundings, Wanted};
use crate::settings::{self, LastTenants};
use crate::workspace::{Project, StateDirectory, profile, tenants_file};

/// Set by the shell's script while it asks for candidates.
const VARIABLE: &str = "COMPLETE";
const PROGRAM: &str = "tenantry";

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tenantry completions bash > ~/.local/share/bash-completion/completions/tenantry\n  \
    tenantry completions zsh > ~/.zfunc/_tenantry\n  tenantry completions fish > ~/.config/fish/completions/tenantry.fish"
)]
pub(super) struct Arguments {
    /// The shell: bash, elvish, fish, powershell, zsh.
    #[arg(value_name = "SHELL", value_parser = clap::builder::PossibleValuesParser::new(["bash", "elvish", "fish", "powershell", "zsh"]))]
    shell: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    print(&script(&arguments.shell)?)?;
    Ok(Exit::Done)
}

fn script(shell: &str) -> Result<String, Problem> {
    let failed = |words: String| Problem::new("The completions could not be made.").detail(words);
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| failed(format!("{shell} is not known")))?;
    let mut out = Vec::new();
    let written = completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut out);
    written.map_err(|error| failed(error.to_string()))?;
    String::from_utf8(out).map_err(|error| failed(error.to_string()))
}

/// Answers a shell that asks for candidates. True where one did: then nothing else is to be done.
pub(super) fn answered(arguments: &[OsString]) -> bool {
    let here = std::env::current_dir().ok();
    let complete = CompleteEnv::with_factory(super::arguments::Arguments::command).var(VARIABLE);
    // A variable of that name that names no shell is somebody else's: the command is run.
    complete.try_complete(arguments.iter().cloned(), here.as_deref()).unwrap_or(false)
}

/// The tenants that this machine has heard of.
pub(super) fn tenants() -> ArgValueCandidates {
    ArgValueCandidates::new(|| known_tenants().into_iter().map(CompletionCandidate::new).collect())
}

/// The profiles of the project.
pub(super) fn profiles() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let project = std::env::current_dir().ok().and_then(|here| Project::discover(&here).ok());
        let names = project.and_then(|project| profile::names(&project).ok()).unwrap_or_default();
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

/// The contexts of the configuration.
pub(super) fn contexts() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let contexts = settings::load().map(|loaded| loaded.config.contexts).unwrap_or_default();
        contexts.into_iter().map(|context| CompletionCandidate::new(context.name)).collect()
    })
}

/// The regions where a tenant can run.
pub(super) fn regions() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let one = |region: &crate::model::Region| CompletionCandidate::new(region.code).help(Some(region.name.into()));
        REGIONS.iter().map(one).collect()
    })
}

/// How far back a tenant's use is known.
pub(super) fn ranges() -> ArgValueCandidates {
    ArgValueCandidates::new(|| MetricsRange::ALL.iter().map(|range| CompletionCandidate::new(range.as_str())).collect())
}

fn known_tenants() -> BTreeSet<String> {
    let Some(project) = std::env::current_dir().ok().and_then(|here| Project::discover(&here).ok()) else {
        return BTreeSet::new();
    };
    let state = StateDirectory::of_user();
    let mut known = of_project(&project, state.as_ref());
    // The API that a command here would ask.
    let config = settings::load().map(|loaded| loaded.config).unwrap_or_default();
    let seat = Seat::choose(&config, Surroundings::of_user(Some(project)), Wanted::default()).ok();
    if let (Some(state), Some(seat)) = (&state, seat) {
        known.extend(of_last_time(state, &seat.base().to_string()));
    }
    known
}

/// Those that the screen showed the last time, whoever was logged in there.
fn of_last_time(state: &StateDirectory, api: &str) -> BTreeSet<String> {
    LastTenants::of_api(state, api).into_iter().flat_map(|last| last.tenants).map(|tenant| tenant.name).collect()
}

/// Those of the project's list, and of its profiles: by name where a deploy is remembered, else by the id.
fn of_project(project: &Project, state: Option<&StateDirectory>) -> BTreeSet<String> {
    let (names, ids): (BTreeSet<_>, BTreeSet<_>) =
        tenants_file::names(project).into_iter().map(|(id, name)| (name, id)).unzip();
    let mut known = names;
    for name in profile::names(project).unwrap_or_default() {
        let Some(id) = profile::named(project, &name).ok().and_then(|profile| profile.tenant()) else { continue };
        if ids.contains(id.as_str()) {
            continue;
        }
        let records = state.and_then(|state| state.records(&id).ok()).unwrap_or_default();
        let newest = records.into_iter().max_by(|one, other| one.began_at.cmp(&other.began_at));
        // A deploy that ended before the server was asked does not know the name.
        let name = newest.map(|record| record.tenant_name).filter(|name| !name.is_empty());
        known.insert(name.unwrap_or_else(|| id.to_string()));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_a_script() {
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let script = script(shell).expect("made");
            assert!(script.contains("tenantry") && script.contains(VARIABLE), "{shell}: {script}");
        }
        assert!(script("tcsh").is_err());
    }

    #[test]
    fn tenants_come_from_this_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("garden");
        std::fs::create_dir_all(root.join(".systemprompt/profiles/prod")).expect("made");
        std::fs::write(root.join(".systemprompt/profiles/prod/profile.yaml"), "cloud: {tenant_id: ten_1}")
            .expect("written");
        let list = serde_json::json!({"tenants": [
            {"id": "local_1", "name": "barn", "tenant_type": "local"}, {"id": "ten_2", "name": "meadow"},
            {"id": "ten_3", "name": "gone by now", "gone": true}, {"id": 4}, "odd",
        ]});
        std::fs::write(root.join(".systemprompt/tenants.json"), list.to_string()).expect("written");
        let known = of_project(&Project { root }, None);
        assert_eq!(known.into_iter().collect::<Vec<_>>(), ["barn", "meadow", "ten_1"]);
    }
}
