//! What runs in the background: since when, and how to stop it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{text_columns, window};
use crate::model::TenantId;
use crate::tui::actions::{done, tenant::words};
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::format::{self, pad};
use crate::tui::jobs::Slot;
use crate::tui::panes::feed::Feed;
use crate::tui::panes::frame::{fit, spread};
use crate::tui::theme::spinner;

/// A job that a person would name, and whether it can be stopped from here.
fn name(app: &App, slot: &Slot) -> Option<(String, bool)> {
    let tenant =
        |id: &TenantId| app.shared.tenants.get(id).map_or_else(|| id.to_string(), |tenant| tenant.name.clone());
    Some(match slot {
        Slot::Deploy(id) => {
            let others =
                app.shared.deploys.all_running().filter(|(other, _)| app.shared.deploys.job_of(other) == Some(id));
            let count = others.count();
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            (format!("deploy of {}{more}", tenant(id)), true)
        }
        // What the server was asked to do goes on there, whoever waits for it.
        Slot::Action(action, id) => (format!("{} {}", words(action).0, tenant(id)), false),
        Slot::NewLocal => ("making a local tenant".to_owned(), false),
        Slot::Checkout => ("beginning a purchase".to_owned(), false),
        Slot::CheckoutFeed => ("watching a purchase".to_owned(), true),
        Slot::Pay => ("paying".to_owned(), false),
        Slot::EventFeed => {
            let of = app.selected().map_or_else(String::new, |tenant| format!(" of {}", tenant.name));
            (format!("events{of}"), false)
        }
        Slot::LogFeed(id) => (format!("log of {}", tenant(id)), false),
        Slot::SetUp => ("setting the folder up".to_owned(), false),
        Slot::Account
        | Slot::Api
        | Slot::Engine
        | Slot::Plans
        | Slot::Tenants
        | Slot::LocalTenants
        | Slot::Open
        | Slot::LogIn
        | Slot::LogOut
        | Slot::FirstDeploy
        | Slot::Pane(..)
        | Slot::Copy
        | Slot::Clear
        | Slot::Notice
        | Slot::Edit
        | Slot::Save
        | Slot::Terminal => return None,
    })
}

/// The jobs that are listed.
fn listed(app: &App) -> Vec<(Slot, String, bool, std::time::Duration)> {
    let jobs = app.shared.jobs.running();
    jobs.filter_map(|(slot, job)| name(app, slot).map(|(name, stops)| (slot.clone(), name, stops, job.since))).collect()
}

/// Moves the selection.
pub fn step(app: &mut App, down: bool) -> Vec<Effect> {
    let last = listed(app).len().saturating_sub(1);
    if let Some(super::Dialog::Jobs(selected)) = &mut app.dialog {
        *selected = if down { (*selected + 1).min(last) } else { selected.saturating_sub(1) };
    }
    done()
}

/// Stops the selected job.
pub fn stop(app: &mut App, selected: usize) -> Vec<Effect> {
    let Some((slot, name, stops, _)) = listed(app).into_iter().nth(selected) else { return done() };
    if !stops {
        app.shared.warn(format!("{name}: this cannot be stopped from here."));
        return done();
    }
    if let Slot::Deploy(id) = &slot {
        app.shared.deploys.cancel(id);
    } else {
        app.shared.jobs.end(&slot);
        if let (Slot::CheckoutFeed, Some(purchase)) = (&slot, &mut app.shared.purchase) {
            // So that loading again watches it again.
            purchase.feed = Feed::Ended;
        }
    }
    vec![Effect::Stop(slot)]
}

/// Draws the list.
pub fn draw(app: &App, selected: usize, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 64);
    let jobs = listed(app);
    let mut lines = Vec::new();
    if jobs.is_empty() {
        lines.push(Line::styled("Nothing runs in the background.", theme.dim));
    }
    for (place, (_, name, stops, since)) in jobs.iter().enumerate() {
        let here = place == selected;
        let since = format::estimate(app.shared.now.running.saturating_sub(*since));
        let turn = if *stops { spinner(app.shared.frame) } else { "·" };
        let left = vec![
            Span::styled(if here { "▌ " } else { "  " }, theme.accent),
            Span::styled(format!("{turn} "), theme.accent),
            Span::styled(pad(name, columns.saturating_sub(16)), if here { theme.selection } else { theme.text }),
        ];
        lines.push(spread(fit(left, columns.saturating_sub(12)), Span::styled(since, theme.dim), columns));
    }
    lines.push(Line::raw(""));
    lines.push(Line::from(vec![
        Span::styled("Enter", theme.accent),
        Span::styled(" stop   ", theme.dim),
        Span::styled("Esc", theme.accent),
        Span::styled(" close", theme.dim),
    ]));
    window(app, frame, area, "Background jobs", columns, lines, 0);
}
