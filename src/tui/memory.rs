//! What the screen knows again the next time: selection and order of each context, where the panes are divided, the commands
//! that were used last. Must not know where it is kept, and holds nothing of the configuration.

use super::app::App;
use super::commands::table;
use super::tenants::{Column, Sort};
use super::view::layout::Splits;
use crate::settings::{ScreenState, Sort as Kept};

/// The names of the splits in the file.
const SPLITS: [&str; 3] = ["list", "events", "deploy"];

/// Brings back what was remembered.
pub fn recall(app: &mut App) {
    let state = &app.shared.options.state;
    let split = |name: &str| state.splits.get(name).copied();
    app.splits = Splits { list: split(SPLITS[0]), events: split(SPLITS[1]), deploy: split(SPLITS[2]) };
    let known = |id: &String| table().find(|command| command.id == id).map(|command| command.id);
    app.recent = state.recent_commands.iter().filter_map(known).collect();
    let Some(context) = state.context(&app.shared.options.context_label).cloned() else { return };
    app.shared.tenants.wanted = context.selected;
    if let Some(sort) = context.sort
        && let Some(column) = Column::from_word(&sort.column)
    {
        app.shared.tenants.sort_by(Sort { column, reversed: sort.descending });
    }
}

/// What to remember: what was known before, and what is so now.
#[must_use]
pub fn remembered(app: &App) -> ScreenState {
    let mut state = app.shared.options.state.clone();
    let context = app.shared.options.context_label.clone();
    let splits = [app.splits.list, app.splits.events, app.splits.deploy];
    for (name, split) in SPLITS.into_iter().zip(splits) {
        if let Some(split) = split {
            state.splits.insert(name.to_owned(), split);
        }
    }
    state.recent_commands = app.recent.iter().map(|id| (*id).to_owned()).collect();
    state.last_context = Some(context.clone());
    let Sort { column, reversed } = app.shared.tenants.sort();
    let kept = state.context_mut(&context);
    if let Some(tenant) = app.selected() {
        kept.selected = Some(tenant.id.clone());
    }
    kept.sort = Some(Kept { column: column.word().to_owned(), descending: reversed });
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::key::Key;
    use crate::tui::testing::{Play, tenant_id, tenants};

    #[test]
    fn what_was_left_is_there_again() {
        let mut play = Play::ready(120, 36, tenants());
        play.keys(&[Key::Char('>'), Key::Down, Key::Down]);
        play.app.splits.list = Some(300);
        play.keys(&[Key::Char('z'), Key::Char('z')]);
        let selected = play.app.selected().map(|tenant| tenant.id.clone());
        assert_ne!(selected, Some(tenant_id(1)));
        let state = remembered(&play.app);

        let mut again = Play::new(120, 36);
        again.app.shared.options.state = state;
        recall(&mut again.app);
        again.list(tenants());
        assert_eq!(again.app.selected().map(|tenant| tenant.id.clone()), selected);
        assert_eq!(again.app.shared.tenants.sort(), play.app.shared.tenants.sort());
        assert_eq!(again.app.splits, play.app.splits);
        assert_eq!(again.app.recent.first(), Some(&"zoom"));
    }

    #[test]
    fn another_context_has_a_selection_of_its_own() {
        let mut play = Play::ready(120, 36, tenants());
        play.keys(&[Key::Down]);
        let mut other = Play::new(120, 36);
        other.app.shared.options.state = remembered(&play.app);
        other.app.shared.options.context_label = "production".to_owned();
        recall(&mut other.app);
        other.list(tenants());
        assert_eq!(other.app.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(1)));
    }
}
