//! The options of a new tenant, between its region and its payment: what it is called, and who reaches its database. Each
//! says what it means; what is ordinary is also what is safe.

use ratatui::text::{Line, Span};

use super::{NewTenant, words};
use crate::model::text;
use crate::tui::actions::LONGEST_NAME;
use crate::tui::app::App;
use crate::tui::bought::Choice;
use crate::tui::format::{cut, pad};
use crate::tui::panes::frame::{fit, wrapped};
use crate::tui::panes::parts::hints;
use crate::tui::theme::Theme;

/// Columns of an option's name, its mark included.
const NAME: usize = 14;

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// Go on to the payment.
    Buy,
    /// Who reaches the database.
    Database,
    /// What it is called.
    Name,
}

impl Row {
    /// The rows, the way on first.
    pub const ALL: [Self; 3] = [Self::Buy, Self::Database, Self::Name];
}

/// The name that was typed, or what is wrong with it. Nothing typed is the server's name. `taken` are the names of one's
/// other tenants.
pub fn name<'a>(typed: &str, mut taken: impl Iterator<Item = &'a str>) -> Result<String, String> {
    let name = typed.trim();
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("A name has at most {LONGEST_NAME} characters."));
    }
    if text::line(name) != name {
        return Err("A name has no control characters.".to_owned());
    }
    if taken.any(|other| other == name) {
        return Err(format!("Another tenant is called {}.", cut(name, 40)));
    }
    Ok(name.to_owned())
}

/// The list of options.
pub fn list(app: &App, dialog: &NewTenant, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let Choice { name, is_open } = &dialog.choice;
    let mut lines = Vec::new();
    for (place, row) in Row::ALL.into_iter().enumerate() {
        let (title, value, about) = match row {
            Row::Buy => ("Go on", words(dialog), "You pay on a page in the browser.".to_owned()),
            Row::Database if *is_open => {
                ("Database", "open".to_owned(), "Whoever has its password reaches it from outside.".to_owned())
            }
            Row::Database => (
                "Database",
                "closed".to_owned(),
                format!("Only the tenant reaches it; to open it {}.", app.shared.press("tenant.access")),
            ),
            Row::Name => (
                "Name",
                if name.is_empty() { "as the server names it".to_owned() } else { name.clone() },
                "For people; its address stays as it is.".to_owned(),
            ),
        };
        if place > 0 {
            lines.push(Line::raw(""));
        }
        lines.push(option(theme, place == dialog.option, title, value, columns));
        lines.extend(wrapped(&about, NAME, columns, 2, theme.dim));
    }
    lines.push(Line::raw(""));
    if !dialog.choice.is_plain() {
        let words = "Done once the tenant is there, while this program runs.";
        lines.push(Line::styled(cut(words, columns), theme.dim));
    }
    let enter = match Row::ALL.get(dialog.option) {
        Some(Row::Database) if *is_open => "close it",
        Some(Row::Database) => "open it",
        Some(Row::Name) => "another name",
        _ => "begin the purchase",
    };
    lines.push(hints(&app.shared, &[("choice.take", enter), ("choice.back", "back"), ("choice.close", "close")]));
    lines
}

fn option(theme: &Theme, is_selected: bool, title: &str, value: String, columns: usize) -> Line<'static> {
    let (mark, style) = if is_selected { ("▌ ", theme.selection) } else { ("  ", theme.text) };
    Line::from(fit(
        vec![
            Span::styled(mark, theme.accent),
            Span::styled(pad(title, NAME - 2), style),
            Span::styled(value, theme.strong),
        ],
        columns,
    ))
}

/// The line in which the name is typed.
pub fn naming(app: &App, dialog: &NewTenant, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let about = "What the tenant is called once it is there. Nothing leaves it the name that the server gives it.";
    let mut lines = wrapped(about, 0, columns, 3, theme.dim);
    lines.push(Line::raw(""));
    lines.push(dialog.field.line(theme, columns, "› "));
    if let Some(complaint) = &dialog.complaint {
        lines.push(Line::raw(""));
        lines.extend(wrapped(complaint, 0, columns, 2, theme.bad));
    }
    lines.push(Line::raw(""));
    lines.push(hints(&app.shared, &[("line.take", "takes it"), ("line.leave", "leaves it as it was")]));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_server_takes() {
        let name = |typed: &str| name(typed, ["orchard"].into_iter());
        assert_eq!(name("  shop "), Ok("shop".to_owned()));
        assert_eq!(name("  "), Ok(String::new()));
        assert_eq!(name(&"漢".repeat(64)), Ok("漢".repeat(64)));
        for refused in ["orchard", " orchard ", &"x".repeat(65), "a\u{1b}[31mb", "a\u{202e}b"] {
            assert!(name(refused).is_err(), "{refused:?}");
        }
    }
}
