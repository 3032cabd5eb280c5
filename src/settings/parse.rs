//! Reads the text of a configuration: what can be understood, and every mistake in the rest. A mistake never makes the
//! program bolder: a context with one in it is protected, a `read_only` that cannot be read counts as true, and where a proxy
//! cannot be read no other way is taken.

use std::path::Path;
use toml::de::{DeTable, DeValue};

use super::document::{Lines, Section, flag, in_order, line, number, path, word, words};
use super::load::Folders;
use super::ui::{CLEAR_SECONDS, LOG_MEGABYTES, UNLOCK_MINUTES};
use super::{
    Colour, Config, Context, KeyBinding, Login, Mistake, Networking, StyleSetting, Styles, ThemeName, Ui, UserTheme,
};
use crate::model::text;
use crate::outbound::{self, ProxySetting};

/// The most mistakes that are kept.
const MISTAKES: usize = 100;
/// The longest name of a context or a theme, characters.
const NAME: usize = 40;
/// The longest key and the longest id of a command, characters.
const KEY: usize = 60;
/// The most keys of one command.
const KEYS: usize = 10;
/// The longest name of an image, characters.
const IMAGE: usize = 255;
/// The longest path and the longest command line, characters.
const LONG: usize = 400;

/// Reads `text`. Paths of tokens stay as they are written; [`load_from`](super::load_from) makes them whole.
#[must_use]
pub fn parse(text: &str) -> (Config, Vec<Mistake>) {
    parse_in(text, &Folders::default())
}

pub(super) fn parse_in(text: &str, folders: &Folders) -> (Config, Vec<Mistake>) {
    let lines = Lines::of(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<_> = errors.iter().map(|error| syntax(error, &lines)).collect();
    let is_whole = mistakes.is_empty();
    let mut config = Config::default();
    let mut top = Section::new("", document.get_ref(), &lines);
    let wanted = top.read("default_context", line(NAME)).flatten();
    if let Some(table) = top.table("ui") {
        config.ui = ui(Section::new("ui", table, &lines), &mut mistakes);
    }
    if let Some(table) = top.table("local") {
        let mut section = Section::new("local", table, &lines);
        if let Some(image) = section.read("image", line(IMAGE)).flatten() {
            config.local.image = image;
        }
        mistakes.extend(section.finish());
    }
    if let Some(table) = top.table("network") {
        let mut section = Section::new("network", table, &lines);
        config.network = networking(&mut section, folders);
        // The way that was meant is not the one that nothing is said about.
        if config.network.proxy.is_none() && section.has("proxy") {
            config.network.proxy = Some(ProxySetting::Unreadable);
        }
        mistakes.extend(section.finish());
    }
    if let Some(table) = top.table("context") {
        config.contexts = each(table, "context", &lines, &mut mistakes, |name, section, line, found| {
            context(name, section, line, is_whole, folders, found)
        });
    }
    if let Some(table) = top.table("keys") {
        bindings(table, "", &lines, &mut config.keys, &mut mistakes);
        twice(&mut config.keys, &mut mistakes);
    }
    if let Some(table) = top.table("theme") {
        config.themes = each(table, "theme", &lines, &mut mistakes, theme);
    }
    if let Some(name) = wanted {
        if config.context(&name).is_some() {
            config.default_context = Some(name);
        } else if let Some(line) = top.line("default_context") {
            mistakes.push(Mistake::new(line, "default_context", known_contexts(&config, &name)));
        }
    }
    if let ThemeName::User(name) = &config.ui.theme
        && config.theme(name).is_none()
    {
        let line = document.get_ref().get("ui").map_or(1, |ui| {
            let theme = ui.get_ref().as_table().and_then(|table| table.get("theme"));
            lines.at(theme.unwrap_or(ui).span().start)
        });
        mistakes.push(Mistake::new(line, "ui.theme", known_themes(&config)));
        config.ui.theme = ThemeName::Auto;
    }
    mistakes.extend(top.finish());
    (config, sorted(mistakes))
}

/// In the order of the file. What follows from a mistake in the same line is none of its own.
fn sorted(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    let broken: Vec<usize> = mistakes.iter().filter(|mistake| mistake.key.is_empty()).map(|one| one.line).collect();
    mistakes.retain(|mistake| mistake.key.is_empty() || !broken.contains(&mistake.line));
    mistakes.sort_by_key(|mistake| mistake.line);
    // One word that is not TOML makes the parser stumble more than once.
    mistakes.dedup_by(|later, earlier| later == earlier || later.key.is_empty() && later.line == earlier.line);
    mistakes.truncate(MISTAKES);
    mistakes
}

/// The parser's own words name no value.
fn syntax(error: &toml::de::Error, lines: &Lines) -> Mistake {
    let line = error.span().map_or(1, |span| lines.at(span.start));
    let words = error.message().lines().next().unwrap_or_default();
    Mistake::new(line, "", format!("this is no TOML: {}", text::short(words, 120)))
}

fn known_contexts(config: &Config, name: &str) -> String {
    if config.contexts.is_empty() {
        return format!("there is no context; write `[context.{}]`", text::short(name, NAME));
    }
    format!("must be one of {}", words(config.contexts.iter().map(|context| context.name.as_str())))
}

fn known_themes(config: &Config) -> String {
    let own = config.themes.iter().map(|theme| theme.name.as_str());
    format!("must be one of {}, or a `[theme.NAME]`", words(ThemeName::KNOWN.iter().map(|(word, _)| *word).chain(own)))
}

/// The tables of a table, each with a name, read by `read`.
fn each<'a, T>(
    table: &'a DeTable<'a>,
    kind: &str,
    lines: &'a Lines,
    mistakes: &mut Vec<Mistake>,
    read: impl Fn(&str, Section<'a>, usize, &mut Vec<Mistake>) -> Option<T>,
) -> Vec<T> {
    let mut all = Vec::new();
    for (name, value, line) in in_order(table, lines) {
        let shown = path(kind, &text::short(name, NAME));
        let Some(inner) = value.get_ref().as_table() else {
            mistakes.push(Mistake::new(line, &shown, format!("must be a table: `[{kind}.NAME]` in a line of its own")));
            continue;
        };
        if !is_name(name) {
            let what = format!("a name is made of letters, digits, - and _ of ASCII, at most {NAME}");
            mistakes.push(Mistake::new(line, &shown, what));
            continue;
        }
        all.extend(read(name, Section::new(shown, inner, lines), line, mistakes));
    }
    all
}

fn is_name(name: &str) -> bool {
    (1..=NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn ui(mut section: Section<'_>, mistakes: &mut Vec<Mistake>) -> Ui {
    let usual = Ui::default();
    let read = Ui {
        theme: section.read("theme", line(NAME)).flatten().map_or(usual.theme, |name| ThemeName::named(&name)),
        ascii: section.read("ascii", flag).unwrap_or(usual.ascii),
        mouse: section.read("mouse", flag).unwrap_or(usual.mouse),
        read_only: section.read("read_only", flag).unwrap_or(usual.read_only || section.has("read_only")),
        timestamps: section.read("timestamps", word).unwrap_or(usual.timestamps),
        notify: section.read("notify", word).unwrap_or(usual.notify),
        unlock_minutes: section.read("unlock_minutes", number(UNLOCK_MINUTES)).unwrap_or(usual.unlock_minutes),
        clear_secrets_seconds: section
            .read("clear_secrets_seconds", number(CLEAR_SECONDS))
            .unwrap_or(usual.clear_secrets_seconds),
        log_megabytes: section.read("log_megabytes", number(LOG_MEGABYTES)).unwrap_or(usual.log_megabytes),
        editor: section.read("editor", line(LONG)).flatten(),
    };
    mistakes.extend(section.finish());
    read
}

fn context(
    name: &str,
    mut section: Section<'_>,
    at: usize,
    is_whole: bool,
    folders: &Folders,
    mistakes: &mut Vec<Mistake>,
) -> Option<Context> {
    let has_api = section.has("api");
    let api = section.read("api", |value| {
        let written = value.as_str().ok_or("must be an address in quotes, https://…")?;
        outbound::address(written).map_err(str::to_owned)
    });
    let protected = section.read("protected", flag).unwrap_or(false);
    let colour = section.read("colour", |value| Colour::read(value.as_str().unwrap_or_default()));
    let login = section.read("login", |value| login(value, folders));
    let network = networking(&mut section, folders);
    // Another login, or another way, than the one that was meant would be somebody else's.
    let is_meant = (login.is_some() || !section.has("login"))
        && (network.proxy.is_some() || !section.has("proxy"))
        && (network.ca_file.is_some() || !section.has("ca_file"));
    let found = section.finish();
    let is_sound = is_whole && found.is_empty();
    mistakes.extend(found);
    if !has_api {
        mistakes.push(Mistake::new(at, &path("context", name), "`api` is missing: the address of its Management API"));
    }
    let api = api.filter(|_| is_meant)?;
    let (name, login) = (name.to_owned(), login.unwrap_or_default());
    Some(Context { name, api, protected: protected || !is_sound, colour, login, network, line: at })
}

/// What may be a password is not repeated.
fn networking(section: &mut Section<'_>, folders: &Folders) -> Networking {
    let proxy =
        section.read("proxy", |value| ProxySetting::read(value.as_str().unwrap_or_default()).map_err(str::to_owned));
    let ca_file = section.read("ca_file", |value| {
        let written = line(LONG)(value)?.ok_or("must be the path of a file of certificates (PEM)")?;
        Ok(folders.whole(Path::new(&written)))
    });
    Networking { proxy, ca_file }
}

/// What may be a token is not repeated.
fn login(value: &DeValue<'_>, folders: &Folders) -> Result<Login, String> {
    const ALLOWED: &str =
        r#"must be "project", { env = "NAME" }, or { file = "path" }; a token does not stand here itself"#;
    if value.as_str() == Some("project") {
        return Ok(Login::Project);
    }
    let table = value.as_table().filter(|table| table.len() == 1).ok_or(ALLOWED)?;
    let (key, value) = table.iter().next().ok_or(ALLOWED)?;
    let written = line(LONG)(value.get_ref())?.ok_or(ALLOWED)?;
    match key.get_ref().as_ref() {
        "env" if is_variable(&written) => Ok(Login::Env(written)),
        "env" => Err("`env` is the name of a variable: letters, digits and _".to_owned()),
        "file" => Ok(Login::File(folders.whole(Path::new(&written)))),
        _ => Err(ALLOWED.to_owned()),
    }
}

fn is_variable(name: &str) -> bool {
    name.len() <= 100
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Keys may be written with quotes, `"logs.search"`, or without, which TOML reads as a table in a table.
fn bindings(table: &DeTable<'_>, above: &str, lines: &Lines, all: &mut Vec<KeyBinding>, mistakes: &mut Vec<Mistake>) {
    const ALLOWED: &str = r#"must be a key, "g g", or a list of them, ["/", "ctrl-f"]; [] is none"#;
    for (name, value, line) in in_order(table, lines) {
        let command = path(above, name);
        if command.chars().count() > KEY || text::line(&command) != command {
            mistakes.push(Mistake::new(line, &path("keys", &command), "this is no command"));
            continue;
        }
        let key = |value: &DeValue<'_>| self::line(KEY)(value).ok().flatten();
        let keys = match value.get_ref() {
            DeValue::Table(inner) => {
                bindings(inner, &command, lines, all, mistakes);
                continue;
            }
            DeValue::Array(keys) if keys.len() <= KEYS => {
                keys.iter().map(|value| key(value.get_ref())).collect::<Option<Vec<_>>>()
            }
            DeValue::Array(_) => None,
            single => key(single).map(|key| vec![key]),
        };
        match keys {
            Some(keys) => all.push(KeyBinding { command, keys, line }),
            None => mistakes.push(Mistake::new(line, &path("keys", &command), ALLOWED)),
        }
    }
    all.sort_by_key(|binding| binding.line);
}

/// A command's first line counts.
fn twice(all: &mut Vec<KeyBinding>, mistakes: &mut Vec<Mistake>) {
    let mut kept: Vec<KeyBinding> = Vec::with_capacity(all.len());
    for binding in std::mem::take(all) {
        match kept.iter().find(|known| known.command == binding.command) {
            Some(known) => {
                let what = format!("line {} has keys for the same command", known.line);
                mistakes.push(Mistake::new(binding.line, &path("keys", &binding.command), what));
            }
            None => kept.push(binding),
        }
    }
    *all = kept;
}

fn theme(name: &str, mut section: Section<'_>, at: usize, mistakes: &mut Vec<Mistake>) -> Option<UserTheme> {
    if ThemeName::KNOWN.iter().any(|(known, _)| *known == name) {
        mistakes.push(Mistake::new(at, &path("theme", name), "there is a theme of this name; take another one"));
        return None;
    }
    let base = section.read("base", word).unwrap_or_default();
    let mut style = |key| section.read(key, |value| StyleSetting::read(value.as_str().unwrap_or_default()));
    let styles = Styles {
        text: style("text"),
        strong: style("strong"),
        dim: style("dim"),
        accent: style("accent"),
        good: style("good"),
        info: style("info"),
        warn: style("warn"),
        bad: style("bad"),
        selection: style("selection"),
    };
    mistakes.extend(section.finish());
    Some(UserTheme { name: name.to_owned(), base, styles, line: at })
}

#[cfg(test)]
mod tests;
