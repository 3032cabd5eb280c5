//! What the end of an action means for the secrets pane: what changed, what it is said in, and what has to be loaded again.

use super::values::{of_once, of_rotation};
use super::{Choice, Facts, Rotation, SETTLES, State};
use crate::model::{Problem, Secret, TenantId, TenantState, database_url};
use crate::ops::call::Reply;
use crate::ops::credentials::Fetched;
use crate::ops::rotate::Rotated;
use crate::ops::stored::Stored;
use crate::tui::app::Shared;

/// Takes the end of an action on a tenant.
pub(super) fn take(
    state: &mut State,
    shared: &mut Shared,
    action: &'static str,
    id: &TenantId,
    result: &Result<Reply, Problem>,
) {
    let is_shown = state.of.as_ref() == Some(id);
    let name = shared.tenants.get(id).map_or_else(|| id.to_string(), |tenant| tenant.name.clone());
    match (action, result) {
        (_, Ok(Reply::SecretsSet { set, ignored, keys, restarted })) => {
            if is_shown {
                state.names.wanted = true;
                if let Some(keys) = keys {
                    state.took_names(Ok(keys.clone()));
                    state.names.wanted = false;
                }
                state.selected = set.first().cloned().map(Choice::Name);
                changed(state, shared, id, *restarted);
            }
            match ignored.first() {
                Some(key) => shared.warn(format!("{key} is set by the platform itself: nothing was changed.")),
                None => shared.say(format!("{} of {name} is set.{}", set.join(", "), later(shared, id, *restarted))),
            }
        }
        (_, Ok(Reply::SecretUnset { key, already })) => {
            if is_shown {
                removed(state, key);
                changed(state, shared, id, false);
            }
            let words = if *already { "was not there any more" } else { "is removed" };
            shared.say(format!("{key} of {name} {words}.{}", later(shared, id, false)));
        }
        (_, Ok(Reply::SecretsSynced { summary, was_skipped })) => {
            if is_shown {
                state.names.wanted = true;
                changed(state, shared, id, false);
            }
            if *was_skipped {
                shared.warn(format!("Nothing was sent to {name}: {summary}."));
            } else {
                shared.say(format!("Sent to {name}: {summary}.{}", later(shared, id, false)));
            }
        }
        (_, Ok(Reply::OneTimeCredentials(fetched))) => once(state, shared, id, &name, fetched),
        (_, Ok(Reply::Rotated(rotated))) => rotation(state, shared, id, rotated),
        (_, Ok(Reply::ExternalAccess(access))) => {
            // Masked once more: what a server calls masked is not shown on its word.
            let mask = |url: &String| database_url::masked(&Secret::new(url.as_str()));
            let address = Some(&access.masked_url).filter(|url| access.enabled && !url.is_empty());
            facts(state, id).outside = address.map(mask);
            state.record.wanted |= is_shown;
        }
        // They may have been read by somebody else.
        ("credentials", Err(_)) | ("restart", Ok(_)) => state.status.wanted |= is_shown,
        _ => {}
    }
}

fn facts<'a>(state: &'a mut State, id: &TenantId) -> &'a mut Facts {
    state.facts.entry(id.clone()).or_default()
}

/// A machine that runs does not have it yet.
fn changed(state: &mut State, shared: &Shared, id: &TenantId, restarted: bool) {
    state.status.wanted = true;
    if let Some(status) = &mut state.status.value {
        status.restart |= !restarted && runs(shared, id);
    }
}

fn runs(shared: &Shared, id: &TenantId) -> bool {
    shared.tenants.get(id).is_some_and(|tenant| tenant.state() == TenantState::Running)
}

fn later(shared: &Shared, id: &TenantId, restarted: bool) -> String {
    match (restarted, runs(shared, id)) {
        (true, _) => " The machine restarts with it.".to_owned(),
        (false, true) => format!(" It takes effect at the next start: {}.", shared.key_of("tenant.restart")),
        (false, false) => String::new(),
    }
}

/// The selection goes to the neighbour of what was selected and is gone, and nowhere else.
fn removed(state: &mut State, key: &str) {
    let before = state.choices();
    let place = before.iter().position(|choice| matches!(choice, Choice::Name(name) if name == key));
    if let Some(names) = &mut state.names.value {
        names.retain(|name| name != key);
    }
    state.names.wanted = true;
    if state.selected == Some(Choice::Name(key.to_owned())) {
        let after = state.choices();
        let place = place.unwrap_or(0).min(after.len().saturating_sub(1));
        state.selected = after.into_iter().nth(place);
    }
}

fn once(state: &mut State, shared: &mut Shared, id: &TenantId, name: &str, fetched: &Fetched) {
    facts(state, id).inside = fetched.credentials.inside().map(database_url::masked);
    state.values.take(id.clone(), of_once(&fetched.credentials), fetched.stored.clone(), shared.now.running);
    if state.of.as_ref() == Some(id) {
        if let Some(status) = &mut state.status.value {
            status.waits = false;
        }
        state.status.wanted = true;
        state.select_first();
    }
    match &fetched.stored {
        Stored::Nowhere(problem) => shared.tell(problem),
        stored => shared.say(format!("The credentials of {name} are {}.", place(stored))),
    }
}

fn rotation(state: &mut State, shared: &mut Shared, id: &TenantId, rotated: &Rotated) {
    let outside = rotated.external_database_url.as_ref().map(database_url::masked);
    *facts(state, id) = Facts {
        inside: Some(database_url::masked(&rotated.database_url)),
        outside,
        rotated: Some(Rotation {
            at: rotated.rotated_at.clone(),
            before: rotated.previous_at.clone(),
            restarts: rotated.restarts,
            stored: rotated.stored.clone(),
            settles: rotated.restarts.then(|| shared.now.running + SETTLES),
        }),
    };
    state.values.take(id.clone(), of_rotation(rotated), rotated.stored.clone(), shared.now.running);
    if state.of.as_ref() == Some(id) {
        state.status.wanted = true;
        state.select_first();
    }
    if let Stored::Nowhere(problem) = &rotated.stored {
        shared.tell(problem);
    }
}

/// Where something is, as it stands within a sentence.
pub(super) fn place(stored: &Stored) -> String {
    match stored {
        Stored::Profile { name, path } => format!("stored in profile {name}, {path}"),
        Stored::Kept { path, .. } => format!("stored in {path}"),
        Stored::Nowhere(_) => "stored nowhere: copy them now".to_owned(),
    }
}
