//! What the card says of a local tenant: a database on this machine has no address, no plan and no image.

use ratatui::text::Line;

use super::field;
use crate::model::{LocalState, TenantId, database_url};
use crate::tui::app::Shared;
use crate::tui::panes::frame::wrapped;

/// The lines of the card below its status; `None` where nothing is known of it.
pub(super) fn lines(shared: &Shared, id: &TenantId, columns: usize) -> Option<Vec<Line<'static>>> {
    let status = shared.tenants.local(id)?;
    let theme = &shared.theme;
    let tenant = &status.tenant;
    let mut lines = Vec::new();
    if let Some(detail) = &status.detail {
        let style = match status.state {
            LocalState::Silent | LocalState::Gone => theme.bad,
            _ => theme.dim,
        };
        lines.extend(wrapped(detail, 12, columns, 3, style));
    }
    let url = tenant.database_url.as_ref().map_or_else(|| "none in the list".to_owned(), database_url::masked);
    lines.push(field(theme, "database", &url, columns));
    let runs = tenant.docker_project.as_deref().unwrap_or("not run by this program");
    lines.push(field(theme, "container", runs, columns));
    Some(lines)
}

/// The command and the words for what to do with one in this state.
pub(super) fn next(state: LocalState) -> (&'static str, &'static str) {
    match state {
        LocalState::Running => ("local.copy-address", "copies its address"),
        LocalState::Stopped => ("tenant.activate", "starts it"),
        LocalState::Gone => ("tenant.activate", "makes its container again"),
        LocalState::Silent => ("tenant.activate", "starts it, or waits until it answers"),
        LocalState::Starting => ("", "nothing, it moves itself"),
        LocalState::Unknown => ("refresh", "looks again"),
    }
}
