//! What runs in the background: since when, and how to stop it. The selection is a job and not a place: jobs end while
//! somebody looks, and nobody else takes their place.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Dialog, anchored, text_columns, text_rows};
use crate::tui::actions::done;
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::format::{self, pad};
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::panes::feed::Feed;
use crate::tui::panes::frame::{fit, spread};
use crate::tui::panes::parts::hints;
use crate::tui::theme::spinner;
use crate::tui::under_way::jobs;
use crate::tui::update::local;

/// What is selected: a job, and where it stood when it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selected {
    job: Option<Ticket>,
    place: usize,
}

/// Opens the list.
pub fn open(app: &mut App) -> Vec<Effect> {
    let job = jobs(app).into_iter().next().map(|(ticket, ..)| ticket);
    app.dialog = Some(Dialog::Jobs(Selected { job, place: 0 }));
    done()
}

/// Where the selected job stands now, if it still runs.
fn place(selected: &Selected, tickets: &[Ticket]) -> Option<usize> {
    tickets.iter().position(|ticket| Some(ticket) == selected.job.as_ref())
}

/// Moves the selection; where its job has ended, to what stands there now.
pub fn step(app: &mut App, down: bool) -> Vec<Effect> {
    let tickets: Vec<Ticket> = jobs(app).into_iter().map(|(ticket, ..)| ticket).collect();
    if let Some(Dialog::Jobs(selected)) = &mut app.dialog {
        let last = tickets.len().saturating_sub(1);
        let next = match place(selected, &tickets) {
            Some(here) if down => here + 1,
            Some(here) => here.saturating_sub(1),
            None => selected.place,
        };
        let next = next.min(last);
        *selected = Selected { job: tickets.into_iter().nth(next), place: next };
    }
    done()
}

/// Stops the selected job.
pub fn stop(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::Jobs(Selected { job: Some(wanted), .. })) = &app.dialog else { return done() };
    let Some((Ticket { slot, .. }, name, stops, _)) = jobs(app).into_iter().find(|(ticket, ..)| ticket == wanted)
    else {
        app.shared.warn("That has ended: nothing was stopped.");
        return done();
    };
    if !stops {
        app.shared.warn(format!("{name}: this cannot be stopped from here."));
        return done();
    }
    match &slot {
        Slot::Deploy(id) => app.shared.deploys.cancel(id),
        // It takes back what was made, and says when that is done.
        Slot::NewLocal => return local::stop_making(app),
        _ => {
            app.shared.jobs.end(&slot);
            if let (Slot::CheckoutFeed, Some(purchase)) = (&slot, &mut app.shared.purchase) {
                // So that loading again watches it again.
                purchase.feed = Feed::Ended;
            }
        }
    }
    vec![Effect::Stop(slot)]
}

/// Draws the list.
pub fn draw(app: &App, selected: &Selected, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 64);
    let jobs = jobs(app);
    let tickets: Vec<Ticket> = jobs.iter().map(|(ticket, ..)| ticket.clone()).collect();
    let here = place(selected, &tickets);
    let mut lines = Vec::new();
    if jobs.is_empty() {
        lines.push(Line::styled("Nothing runs in the background.", theme.dim));
    }
    let rows = text_rows(area).saturating_sub(2).max(1);
    let first = (here.unwrap_or(selected.place) + 1).min(jobs.len()).saturating_sub(rows);
    for (place, (_, name, stops, since)) in jobs.iter().enumerate().skip(first).take(rows) {
        let here = here == Some(place);
        let since = format::estimate(app.shared.now.running.saturating_sub(*since));
        let turn = if *stops { spinner(app.shared.frame) } else { "·" };
        let left = vec![
            Span::styled(if here { "▌ " } else { "  " }, theme.accent),
            Span::styled(format!("{turn} "), theme.accent),
            Span::styled(pad(name, columns.saturating_sub(16)), if here { theme.selection } else { theme.text }),
        ];
        lines.push(spread(fit(left, columns.saturating_sub(12)), Span::styled(since, theme.dim), columns));
    }
    let keys = hints(&app.shared, &[("choice.take", "stop"), ("choice.close", "close")]);
    anchored(app, frame, area, "Background jobs", columns, lines, vec![Line::raw(""), keys]);
}
