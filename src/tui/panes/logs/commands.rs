//! The keys of the logs pane. What a pattern is asked in stands in the bottom row and works while it is typed. Must not
//! know how lines are found.

use super::feeds::marked;
use super::saving;
use crate::model::Problem;
use crate::tui::actions::done;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command, table};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::line::Line;
use crate::tui::dialogs::pick::{Entry, Pick};
use crate::tui::effect::Effect;
use crate::tui::format;
use crate::tui::log::{Direction, Since};
use crate::tui::panes::Pane;
use crate::tui::update::copy_text;

const HERE: Scope = Scope::Pane(Pane::Logs);

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("logs.follow", HERE, &["f"], "follow", "Follow what arrives, or stay where the log is now.", |app| {
        app.panes.logs.toggle_following();
        done()
    })
    .hinted(),
    command(
        "logs.search",
        HERE,
        &["/"],
        "search",
        "Search for a regular expression; after = for the text as it stands. Small letters stand for both cases.",
        |app| {
            let text = app.panes.logs.searched.clone();
            let live = Line::live("search", &text, |app, text| app.panes.logs.search_for(text));
            app.dialog = Some(Dialog::Line(live.then(|app, _| searched(app))));
            done()
        },
    ),
    command("logs.next", HERE, &["n"], "next", "Go to the next line that was found.", |app| {
        step(app, Direction::Ahead)
    })
    .by_key_only()
    .when(searches),
    command("logs.previous", HERE, &["N"], "previous", "Go to the line before that was found.", |app| {
        step(app, Direction::Back)
    })
    .by_key_only()
    .when(searches),
    command(
        "logs.filter",
        HERE,
        &["&"],
        "filter",
        "Show only lines that a regular expression fits, or after ! only the others; after = text as it stands.",
        |app| {
            let text = app.panes.logs.filtered.clone();
            let live = Line::live("filter", &text, |app, text| app.panes.logs.filter_by(text));
            app.dialog = Some(Dialog::Line(live.then(|app, _| {
                app.panes.logs.take_pattern(&mut app.shared);
                done()
            })));
            done()
        },
    ),
    command("logs.since", HERE, &["S"], "since", "Show only lines of the last minutes or hours.", since),
    command("logs.wrap", HERE, &["w"], "wrap", "Continue long lines on the next row, or cut them.", |app| {
        app.panes.logs.look(|_, view, _| (view.wrap, view.left) = (!view.wrap, 0));
        done()
    }),
    command("logs.times", HERE, &["T"], "times", "Show times in the zone of the machine, in UTC, or not.", |app| {
        app.panes.logs.next_times();
        done()
    }),
    command("logs.select", HERE, &["v"], "select", "Choose lines from here; the arrows choose more.", |app| {
        if !app.panes.logs.end_selection() {
            app.panes.logs.begin_selection();
        }
        done()
    })
    .hinted()
    .when(has_lines),
    command("logs.copy", HERE, &["y"], "copy", "Copy the chosen lines, or the last one that can be seen.", |app| {
        let Some((text, what)) = app.panes.logs.copied() else { return done() };
        app.panes.logs.end_selection();
        copy_text(&mut app.shared, text, &what)
    })
    .when(has_lines),
    command(
        "logs.save",
        HERE,
        &["W"],
        "save",
        "Write the chosen lines, or all that are shown, to a file.",
        saving::ask,
    )
    .hinted()
    .when(|app| has_lines(app).and_then(|()| saving::may_write(app))),
    command(
        "logs.merge",
        HERE,
        &["m"],
        "together",
        "Show the logs of the marked tenants together, or the selected one's alone again.",
        |app| app.panes.logs.merge(&mut app.shared),
    )
    .hinted()
    .when(can_merge),
    command(
        "logs.clear",
        HERE,
        &["esc"],
        "clear",
        "End the selection, else put a message away, else end the search, else the filter.",
        clear,
    )
    .by_key_only(),
];

fn searches(app: &App) -> Result<(), Problem> {
    match app.panes.logs.log.search() {
        Some(_) => Ok(()),
        None => Err(Problem::new("Nothing is searched for.")
            .hint(format!("To search the log {}.", app.shared.press("logs.search")))),
    }
}

fn has_lines(app: &App) -> Result<(), Problem> {
    if app.panes.logs.log.shown_len() > 0 { Ok(()) } else { Err(Problem::new("There is no line.")) }
}

fn can_merge(app: &App) -> Result<(), Problem> {
    if app.panes.logs.is_merged() || marked(&app.shared).len() > 1 {
        return Ok(());
    }
    let press = app.shared.press("tenants.mark");
    Err(Problem::new("Fewer than two tenants are marked.").hint(format!("To mark them {press}.")))
}

/// The search was taken: from what can be seen to what is older, for in a log that is what is looked for.
fn searched(app: &mut App) -> Vec<Effect> {
    let logs = &mut app.panes.logs;
    if logs.take_pattern(&mut app.shared) && logs.log.search().is_some() {
        logs.step_on(&mut app.shared, Direction::Back);
    }
    done()
}

fn step(app: &mut App, direction: Direction) -> Vec<Effect> {
    app.panes.logs.step_on(&mut app.shared, direction);
    done()
}

fn since(app: &mut App) -> Vec<Effect> {
    let (now, zone) = (app.shared.now.wall, &app.shared.zone);
    let entries = Since::ALL.map(|since| {
        let about = match since.begin(now) {
            Some(_) if since == Since::Day => "from this time yesterday on".to_owned(),
            Some(begin) => format!("from {} on", format::clock(begin, zone)),
            None => "everything that is kept".to_owned(),
        };
        Entry::new(since.word(), since.word(), about)
    });
    let pick =
        Pick::new("Since", "Lines of which nobody knows the time are shown anyhow.", entries.into(), chose_since);
    app.dialog = Some(Dialog::Pick(pick.at(app.panes.logs.since.word())));
    done()
}

fn chose_since(app: &mut App, word: &str) -> Vec<Effect> {
    if let Some(since) = Since::ALL.into_iter().find(|since| since.word() == word) {
        app.panes.logs.show_since(since, app.shared.now.wall);
    }
    done()
}

fn clear(app: &mut App) -> Vec<Effect> {
    let logs = &mut app.panes.logs;
    if logs.end_selection() {
        return done();
    }
    if app.shared.toast.is_none() {
        if logs.log.search().is_some() {
            logs.search_for("");
            return done();
        }
        if logs.log.filter().pattern.is_some() {
            logs.filter_by("");
            return done();
        }
    }
    // What the key means everywhere else.
    table().find(|command| command.id == "dismiss").map_or_else(done, |dismiss| (dismiss.run)(app))
}
