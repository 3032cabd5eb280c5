//! Which tenant is meant where the command line does not say it: at a terminal it is chosen from those that there are.

use std::fmt::Write as _;

use crate::cli::auth::note;
use crate::cli::frame::{Failure, Output, Paint, Place, ask, unchanged};
use crate::model::Problem;
use crate::ops::local;
use crate::telling::Tone;
use crate::workspace::Project;

/// The tenant that was named, else the one that somebody chooses.
///
/// # Errors
/// Where nobody can be asked, there is none, or no answer fits.
pub(super) async fn named_or_chosen(
    project: &Project,
    place: &Place,
    wanted: Option<String>,
    output: Output,
) -> Result<String, Failure> {
    if let Some(wanted) = wanted {
        return Ok(wanted);
    }
    if output.json() || !output.can_ask() {
        return Err(Failure::Usage(
            Problem::new("It is not said which tenant is meant.")
                .hint("Name one, by its id or its name, as a word of the command. `tenantry tenant list` shows them."),
        ));
    }
    let (known, without_login) = known(project, place).await?;
    match without_login {
        // Of the cloud's nothing is known.
        Some(problem) if known.is_empty() => return Err(problem.into()),
        None if known.is_empty() => {
            return Err(Problem::new("There is no tenant yet.").hint("Make one: tenantry tenant create").into());
        }
        Some(problem) => note(&format!("Those of this machine alone: {problem}")),
        None => {}
    }
    note(list(&known, Paint::err()).trim_end());
    let answer = ask::word("Which one?".to_owned()).await?;
    chosen(&known, &answer).ok_or_else(|| unchanged().detail("Nobody said which tenant.").into())
}

/// What can be chosen: an id, and what people read.
type Known = Vec<(String, String)>;

/// And why those of the cloud are not among them, where that is for want of a login.
async fn known(project: &Project, place: &Place) -> Result<(Known, Option<Problem>), Problem> {
    let (mut known, mut without_login) = (Known::new(), None);
    match place.open_in(project.clone()).await {
        Ok(session) => {
            let tenants = session.client().tenants().await.map_err(|error| error.problem())?.tenants;
            known.extend(tenants.into_iter().map(|tenant| {
                let words = format!("{}, {}", tenant.name, tenant.state().word());
                (tenant.id.to_string(), words)
            }));
        }
        // Whoever has no login has those of this machine.
        Err(problem) if problem.requires_login => without_login = Some(problem),
        Err(problem) => return Err(problem),
    }
    let locals = local::all(project).await?;
    known.extend(locals.into_iter().map(|tenant| (tenant.id.to_string(), format!("{}, on this machine", tenant.name))));
    Ok((known, without_login))
}

fn list(known: &Known, paint: Paint) -> String {
    let mut out = String::new();
    for (at, (_, words)) in known.iter().enumerate() {
        let _ = writeln!(out, "{}  {words}", paint.tone(Tone::Accent, &format!("{:>3}", at + 1)));
    }
    out
}

/// By the number in front of it; any other word is a name, and what it means is found out like every name.
fn chosen(known: &Known, answer: &str) -> Option<String> {
    let answer = answer.trim();
    let by_number = answer.parse::<usize>().ok().and_then(|number| known.get(number.checked_sub(1)?));
    match by_number {
        Some((id, _)) => Some(id.clone()),
        None if answer.is_empty() => None,
        None => Some(answer.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_name_chooses() {
        let known: Known = [("ten_1", "orchard, running"), ("local_1", "barn, on this machine")]
            .map(|(a, b)| (a.into(), b.into()))
            .into();
        assert_eq!(list(&known, Paint::default()), "  1  orchard, running\n  2  barn, on this machine\n");
        assert_eq!(chosen(&known, "2\n").as_deref(), Some("local_1"));
        assert_eq!((chosen(&known, "0").as_deref(), chosen(&known, "orch").as_deref()), (Some("0"), Some("orch")));
        assert_eq!(chosen(&known, " "), None);
    }
}
