//! What the logs pane looks like: only the rows that are in view are made. Must not know how lines are kept or found.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{State, feeds};
use crate::model::{Tenant, TenantState};
use crate::tui::app::Shared;
use crate::tui::commands::table;
use crate::tui::format::{self, count, cut};
use crate::tui::log::{Attribute, Colour, Mark, Part, Room, Sgr, Since, Times, VisibleRow};
use crate::tui::panes::feed::Feed;
use crate::tui::panes::frame::draw_lines;
use crate::tui::theme::Theme;

/// Columns of a pattern, and of a mistake in one, that the border shows.
const PATTERN: usize = 24;
const MISTAKE: usize = 48;
/// Between two things in the lower border.
const GAP: usize = 3;

/// What the keys do that are used most.
const HINTS: [(&str, &str); 5] = [
    ("logs.search", "search"),
    ("logs.filter", "filter"),
    ("logs.wrap", "wrap"),
    ("logs.times", "time"),
    ("logs.copy", "copy"),
];

/// The right end of the title.
pub fn note(state: &State, shared: &Shared) -> Vec<Span<'static>> {
    let theme = &shared.theme;
    if let Some(mistake) = &state.mistake {
        return vec![Span::styled(cut(mistake, MISTAKE), theme.warn)];
    }
    let mut note = Vec::new();
    if let dropped @ 1.. = state.log.dropped() {
        let dropped = usize::try_from(dropped).unwrap_or(usize::MAX);
        note.push(Span::styled(format!("{} dropped · ", count(dropped, "line", "lines")), theme.dim));
    }
    if state.view.follows() {
        note.extend(state.feed().title(shared, "following"));
    } else {
        // There is little room: the shortest of its keys.
        let last = table().find(|command| command.id == "last").map(|command| shared.keymap.all_of(command));
        if let Some(key) = last.into_iter().flatten().min_by_key(String::len) {
            note.push(Span::styled(format!("{key} follows again"), theme.warn));
        }
    }
    note
}

/// The lower border: what is not as usual, then as many keys as there is room for.
pub fn foot(state: &State, shared: &Shared) -> Vec<Span<'static>> {
    let theme = &shared.theme;
    let room = state.room.columns.saturating_sub(2);
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    let mut add = |item: Vec<Span<'static>>| {
        let wide = item.iter().map(Span::width).sum::<usize>() + if used > 0 { GAP } else { 0 };
        if wide > room.saturating_sub(used) {
            return false;
        }
        if used > 0 {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        used += wide;
        spans.extend(item);
        true
    };
    let items = active(state, shared);
    if !items.into_iter().all(&mut add) {
        return spans;
    }
    for (id, words) in HINTS {
        let Some(key) = shared.keymap.shown(id) else { continue };
        let item = vec![Span::styled(key, theme.accent), Span::styled(format!(" {words}"), theme.dim)];
        if !add(item) {
            break;
        }
    }
    spans
}

/// What is not as usual in the view, the most important first.
fn active(state: &State, shared: &Shared) -> Vec<Vec<Span<'static>>> {
    let theme = &shared.theme;
    let word = |text: String, style: Style| vec![Span::styled(text, style)];
    let mut items = Vec::new();
    if let Some(selection) = state.view.selection {
        let lines = usize::try_from(state.log.selected_len(selection)).unwrap_or(usize::MAX);
        items.push(word(format!("{} selected", count(lines, "line", "lines")), theme.strong));
    }
    if !state.view.follows() {
        let news = state.news();
        let words = if news > 0 { format!("paused +{news} new") } else { "paused".to_owned() };
        items.push(word(words, theme.warn));
    }
    if state.log.filter().pattern.is_some() {
        items.push(word(format!("&{}", cut(&state.filtered, PATTERN)), theme.warn));
    }
    if state.log.search().is_some() {
        let mut item = word(format!("/{}", cut(&state.searched, PATTERN)), theme.accent);
        item.push(Span::styled(format!(" {}", found(state)), theme.dim));
        items.push(item);
    }
    if let Some(percent) = state.log.looked_at().filter(|percent| *percent < 100) {
        items.push(word(format!("{percent} % looked at"), theme.dim));
    }
    if state.since != Since::All {
        items.push(word(format!("since {}", state.since.word()), theme.warn));
    }
    if state.view.wrap {
        items.push(word("wrapped".to_owned(), theme.dim));
    }
    if state.view.left > 0 {
        items.push(word(format!("from column {}", state.view.left + 1), theme.dim));
    }
    if state.view.times != feeds::configured(shared) {
        let words = match state.view.times {
            Times::Local => "local time",
            Times::Utc => "UTC",
            Times::Off => "no times",
        };
        items.push(word(words.to_owned(), theme.dim));
    }
    items
}

/// `3 of 41`, or how many there are.
fn found(state: &State) -> String {
    let at = state.view.current.and_then(|number| state.log.key(number));
    match (at, at.map_or_else(|| state.log.found(crate::tui::log::Key::LAST), |key| state.log.found(key))) {
        (_, None | Some((0, _))) => "not found".to_owned(),
        (Some(_), Some((all, before))) if before < all => format!("{} of {all}", before + 1),
        (_, Some((all, _))) => format!("{all} found"),
    }
}

/// Draws what is inside of the border.
pub fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let theme = &shared.theme;
    let columns = usize::from(area.width);
    let below = below(state, columns);
    let room = Room { columns, rows: usize::from(area.height).saturating_sub(below.len()) };
    let rows = state.log.window(&state.view, room);
    let mut lines: Vec<Line<'static>> = Vec::with_capacity(usize::from(area.height));
    if rows.is_empty() && below.is_empty() {
        lines.push(empty(state, shared));
    }
    lines.extend(rows.into_iter().map(|row| line(theme, row, columns)));
    lines.extend(below.into_iter().map(|text| Line::styled(text, theme.warn)));
    draw_lines(frame, area, lines);
}

/// What stands below the lines: that a stream is lost.
pub fn below(state: &State, columns: usize) -> Vec<String> {
    let Some(stream) = state.worst() else { return Vec::new() };
    let Some(mut text) = stream.feed.sentence() else { return Vec::new() };
    if state.merged {
        text = format!("{}: {text}", state.name_of(stream));
    }
    let mut rows = format::wrap(&text, columns);
    if rows.len() > 2 {
        rows.truncate(2);
        if let Some(last) = rows.last_mut() {
            *last = cut(&format!("{last}…"), columns);
        }
    }
    rows
}

fn empty(state: &State, shared: &Shared) -> Line<'static> {
    let words = if !state.log.is_empty() {
        match state.log.looked_at() {
            Some(percent) if percent < 100 => format!("Looking through the lines that are kept, {percent} %."),
            _ if state.log.filter().pattern.is_some() => "No line fits the filter.".to_owned(),
            _ => format!("Nothing was logged since {} ago.", state.since.word()),
        }
    } else if state.merged {
        if *state.feed() == Feed::Connecting { "" } else { "None of them has logged anything yet." }.to_owned()
    } else {
        let words = match shared.selected().map(Tenant::state) {
            None if shared.tenants.is_loading() => "",
            None => "The log of a running tenant appears here.",
            Some(TenantState::Provisioning | TenantState::ToDeploy) => "The log begins with the first deploy.",
            Some(TenantState::Deploying) => "The log begins when the machine runs.",
            Some(TenantState::Local(_)) => "Its log is with its container: docker logs shows it.",
            Some(TenantState::Suspended) => "It is suspended and logs nothing.",
            Some(_) if *state.feed() == Feed::Connecting => "",
            Some(_) => "It has logged nothing yet.",
        };
        words.to_owned()
    };
    Line::styled(words, shared.theme.dim)
}

fn line(theme: &Theme, row: VisibleRow, columns: usize) -> Line<'static> {
    let selected = row.selected;
    let mut spans: Vec<Span<'static>> = Vec::with_capacity(row.parts.len() + 1);
    let mut used = 0;
    for part in row.parts {
        let style = style(theme, &part);
        let style = if selected { chosen(theme, style) } else { style };
        if selected {
            used += format::width(&part.text);
        }
        spans.push(Span::styled(part.text, style));
    }
    if selected {
        // The whole row, so that also an empty line is seen to be chosen.
        spans.push(Span::styled(" ".repeat(columns.saturating_sub(used)), chosen(theme, theme.text)));
    }
    Line::from(spans)
}

/// The same text in a line that was chosen.
fn chosen(theme: &Theme, style: Style) -> Style {
    style.patch(theme.selection).add_modifier(Modifier::REVERSED)
}

fn style(theme: &Theme, part: &Part) -> Style {
    let base = part.name.map_or_else(|| theme.tone(part.tone), |source| theme.name(source.place()));
    let style = if part.style == Sgr::default() { base } else { own(theme, base, part.style) };
    match part.mark {
        Mark::None => style,
        Mark::Found => style.patch(theme.accent).add_modifier(Modifier::UNDERLINED),
        Mark::Current => style.patch(theme.accent).add_modifier(Modifier::REVERSED | Modifier::BOLD),
    }
}

/// What the line itself wants; a theme without colours keeps the weights.
fn own(theme: &Theme, base: Style, wanted: Sgr) -> Style {
    let colour = |colour: Colour| match colour {
        Colour::Default => None,
        Colour::Indexed(place) => theme.indexed(place),
        Colour::Rgb(red, green, blue) => theme.rgb(red, green, blue),
    };
    let mut style = Style { fg: colour(wanted.front).or(base.fg), bg: colour(wanted.back).or(base.bg), ..base };
    for (attribute, modifier) in [
        (Attribute::Bold, Modifier::BOLD),
        (Attribute::Dim, Modifier::DIM),
        (Attribute::Italic, Modifier::ITALIC),
        (Attribute::Underline, Modifier::UNDERLINED),
        (Attribute::Reversed, Modifier::REVERSED),
        (Attribute::Crossed, Modifier::CROSSED_OUT),
    ] {
        if wanted.has(attribute) {
            style = style.add_modifier(modifier);
        }
    }
    style
}
