//! The columns of the list: which ones there is room for, their headings, and what stands in them.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::{Tenant, TenantState};
use crate::tui::app::Shared;
use crate::tui::format::{self, pad, pad_left};
use crate::tui::panes::frame::fit;
use crate::tui::tenants::{Column, memory};
use crate::tui::theme::Theme;

/// Columns in front of the name: selection, mark, glyph, blank.
const FRONT: usize = 4;
/// What the name keeps before a column that can be missed is shown.
const NAME: usize = 20;
/// The columns of a list that is too narrow for regions: the card says them too.
const NO_REGION: usize = 43;

/// A column behind the name.
struct Kind {
    column: Column,
    title: &'static str,
    /// Blanks in front included.
    width: usize,
    right: bool,
}

const fn kind(column: Column, title: &'static str, width: usize, right: bool) -> Kind {
    Kind { column, title, width, right }
}

/// All of them, in the order in which they stand. The image has no column to sort by.
const KINDS: [Kind; 8] = [
    kind(Column::Status, "STATUS", 14, false),
    kind(Column::Region, "REGION", 7, false),
    kind(Column::Plan, "PLAN", 12, false),
    kind(Column::Memory, "MEMORY", 9, true),
    kind(Column::Phase, "PHASE", 17, false),
    kind(Column::Deploy, "DEPLOY", 7, true),
    kind(Column::Listed, "IMAGE", 10, true),
    kind(Column::Subscription, "SUBSCRIPTION", 14, false),
];

/// In which order they are given up where there is no room: the last first.
const WORTH: [Column; 5] = [Column::Memory, Column::Plan, Column::Listed, Column::Subscription, Column::Phase];

/// The columns for a width, and what is left for the name.
pub(super) struct Columns {
    kinds: Vec<&'static Kind>,
    name: usize,
}

impl Columns {
    /// For `columns` of room.
    pub(super) fn of(columns: usize) -> Self {
        let mut shown = vec![Column::Status, Column::Deploy];
        if columns >= NO_REGION {
            shown.push(Column::Region);
        }
        let width = |shown: &[Column]| -> usize {
            KINDS.iter().filter(|kind| shown.contains(&kind.column)).map(|kind| kind.width).sum()
        };
        for column in WORTH {
            shown.push(column);
            if FRONT + NAME + width(&shown) > columns {
                shown.pop();
                break;
            }
        }
        let name = columns.saturating_sub(FRONT + width(&shown)).max(6);
        Self { kinds: KINDS.iter().filter(|kind| shown.contains(&kind.column)).collect(), name }
    }

    /// The headings.
    pub(super) fn heading(&self, theme: &Theme, columns: usize) -> Line<'static> {
        let mut text = format!("    {}", pad("NAME", self.name));
        for kind in &self.kinds {
            text.push_str(&cell(kind, kind.title));
        }
        Line::styled(format::cut(&text, columns), theme.dim)
    }

    /// A tenant's row.
    pub(super) fn row(&self, shared: &Shared, tenant: &Tenant, selected: bool, columns: usize) -> Line<'static> {
        let theme = &shared.theme;
        let state = tenant.state();
        let (glyph, colour) = theme.tenant(state, shared.frame);
        let mark = match (selected, shared.tenants.marked().contains(&tenant.id)) {
            (true, true) => "▌+",
            (true, false) => "▌ ",
            (false, true) => " +",
            (false, false) => "  ",
        };
        let weight = if selected { theme.selection } else { theme.text };
        let mut spans = vec![
            Span::styled(mark, theme.accent),
            Span::styled(format!("{glyph} "), colour),
            Span::styled(pad(&tenant.name, self.name), weight),
        ];
        for kind in &self.kinds {
            let (text, style) = value(shared, tenant, kind.column, colour);
            spans.push(Span::styled(cell(kind, &text), style));
        }
        Line::from(fit(spans, columns))
    }
}

/// Filled to the width of its column.
fn cell(kind: &Kind, text: &str) -> String {
    if kind.right { pad_left(text, kind.width) } else { format!(" {}", pad(text, kind.width - 1)) }
}

fn value(shared: &Shared, tenant: &Tenant, column: Column, state_style: Style) -> (String, Style) {
    let theme = &shared.theme;
    let or_none = |text: Option<&str>| text.unwrap_or("–").to_owned();
    match column {
        Column::Status => (tenant.state().word().to_owned(), state_style),
        Column::Region => (or_none(tenant.region.as_deref()), theme.dim),
        Column::Plan => (or_none(tenant.plan.as_ref().map(|plan| plan.name.as_str())), theme.dim),
        Column::Memory => match memory(tenant) {
            0 => ("–".to_owned(), theme.dim),
            mb => (format!("{mb} MB"), theme.dim),
        },
        Column::Phase => (or_none(tenant.phase.as_deref()).replace('_', " "), theme.dim),
        Column::Deploy => (age(shared, tenant), theme.dim),
        Column::Listed => (or_none(tenant.image_digest.as_deref().and_then(format::digest)), theme.dim),
        Column::Subscription => {
            let word = or_none(tenant.subscription_status.as_deref());
            let style = match word.as_str() {
                "active" | "trialing" | "–" => theme.dim,
                "past_due" | "paused" => theme.warn,
                _ => theme.bad,
            };
            (word.replace('_', " "), style)
        }
        Column::Name => (tenant.name.clone(), theme.text),
    }
}

/// How long ago it was deployed.
fn age(shared: &Shared, tenant: &Tenant) -> String {
    match (tenant.state(), tenant.deployed_at.as_deref().and_then(format::moment)) {
        (TenantState::Deploying, _) => "now".to_owned(),
        (_, Some(then)) => format::age(shared.now.wall, then),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wide_list_says_everything_and_a_narrow_one_the_name() {
        let titles = |columns: usize| Columns::of(columns).kinds.iter().map(|kind| kind.title).collect::<Vec<_>>();
        assert_eq!(titles(40), ["STATUS", "DEPLOY"]);
        assert_eq!(titles(48), ["STATUS", "REGION", "DEPLOY"]);
        assert_eq!(titles(200).len(), KINDS.len());
    }

    proptest! {
        #[test]
        fn the_columns_fill_the_room(columns in 31usize..240) {
            let shown = Columns::of(columns);
            let wide: usize = shown.kinds.iter().map(|kind| kind.width).sum();
            prop_assert_eq!(FRONT + shown.name + wide, columns);
        }
    }
}
