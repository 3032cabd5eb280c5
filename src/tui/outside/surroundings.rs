//! Where the program runs, as the environment tells: which terminal, inside of what, on this desk or far away. No
//! question is asked of the terminal: some never answer.

use jiff::tz::TimeZone;
use std::path::Path;

use super::osc::Notice;

/// What stands between the program and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Multiplexer {
    /// Nothing.
    #[default]
    None,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// Where the program runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// What stands between the program and the terminal.
    pub multiplexer: Multiplexer,
    /// How the terminal is told of a notice, where it is known to show one.
    pub notice: Option<Notice>,
    /// True where a desktop's clipboard can be reached.
    pub has_clipboard: bool,
    /// True where a desktop can show a notice to whoever sits at the keyboard.
    pub has_desktop: bool,
}

/// The person's time zone. Reads the system's files.
#[must_use]
pub fn zone() -> TimeZone {
    let is_said = std::env::var_os("TZ").is_some_and(|said| !said.is_empty());
    zone_of(is_said, Path::new("/etc/localtime"))
}

/// What a system's file holds, where the environment says nothing else. The library would look through the whole database
/// for the zone's name, which nothing on the screen says, and the first picture would wait for it.
fn zone_of(is_said: bool, file: &Path) -> TimeZone {
    let own = || TimeZone::tzif("local", &std::fs::read(file).ok()?).ok();
    let own = if is_said { None } else { own() };
    own.unwrap_or_else(TimeZone::system)
}

/// Terminals that read a title and a body, by the beginning of `TERM` or by the name that they give themselves.
const TWO: [&str; 6] = ["rxvt", "foot", "xterm-ghostty", "ghostty", "WezTerm", "contour"];
/// Those that read one text.
const ONE: [&str; 2] = ["xterm-kitty", "iTerm"];

impl Surroundings {
    /// Of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let set = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::read(set, |socket| Path::new(socket).exists())
    }

    /// From an environment, and what is known of a path: whether there is something.
    fn read(set: impl Fn(&str) -> Option<String>, exists: impl Fn(&str) -> bool) -> Self {
        let set = |name: &str| set(name).filter(|value| !value.is_empty());
        let has = |name: &str| set(name).is_some();
        let multiplexer = match () {
            () if has("TMUX") => Multiplexer::Tmux,
            () if has("STY") => Multiplexer::Screen,
            () => Multiplexer::None,
        };
        let has_display =
            cfg!(any(target_os = "macos", target_os = "windows")) || has("DISPLAY") || has("WAYLAND_DISPLAY");
        let is_remote = has("SSH_CONNECTION") || has("SSH_TTY") || has("SSH_CLIENT");
        let has_bus = cfg!(any(target_os = "macos", target_os = "windows"))
            || has("DBUS_SESSION_BUS_ADDRESS")
            || set("XDG_RUNTIME_DIR").is_some_and(|folder| exists(&format!("{folder}/bus")));
        Self {
            multiplexer,
            notice: notice(&set),
            has_clipboard: has_display,
            has_desktop: has_display && has_bus && !is_remote,
        }
    }
}

/// Only a terminal that names itself gets more than a bell: others may print what they do not know.
fn notice(set: &impl Fn(&str) -> Option<String>) -> Option<Notice> {
    let names: Vec<String> = ["TERM", "TERM_PROGRAM", "LC_TERMINAL"].into_iter().filter_map(set).collect();
    let is_one_of = |known: &[&str]| names.iter().any(|name| known.iter().any(|known| name.starts_with(known)));
    // Inside of tmux the terminal around it is only known by what it left in the environment.
    if is_one_of(&ONE) || set("KITTY_WINDOW_ID").is_some() {
        Some(Notice::One)
    } else if is_one_of(&TWO) || set("WEZTERM_PANE").is_some() || set("GHOSTTY_RESOURCES_DIR").is_some() {
        Some(Notice::Two)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_zone_needs_no_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("localtime");
        let system = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::system()).datetime();
        let shows = |is_said| jiff::Timestamp::UNIX_EPOCH.to_zoned(zone_of(is_said, &file)).datetime();
        assert_eq!(shows(false), system, "there is no such file");
        std::fs::write(&file, "odd").expect("written");
        assert_eq!(shows(false), system, "it says nothing");
        // A version 1 file of one kind of time, two hours before UTC.
        let mut bytes = b"TZif\0".to_vec();
        bytes.extend([0; 15]);
        bytes.extend([0_u32, 0, 0, 0, 1, 4].iter().flat_map(|count| count.to_be_bytes()));
        bytes.extend(7200_i32.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(b"XST\0");
        std::fs::write(&file, bytes).expect("written");
        assert_eq!(shows(false).to_string(), "1970-01-01T02:00:00");
        assert_eq!(shows(true), system, "the environment says another one");
    }

    fn read(set: &[(&str, &str)]) -> Surroundings {
        let find = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Surroundings::read(find, |path| path == "/run/user/7/bus")
    }

    #[test]
    fn what_stands_between_is_known_by_its_variable() {
        assert_eq!(read(&[("TMUX", "/tmp/t,1,0"), ("STY", "1.a")]).multiplexer, Multiplexer::Tmux);
        assert_eq!(read(&[("TMUX", ""), ("STY", "1.a")]).multiplexer, Multiplexer::Screen);
        assert_eq!(read(&[("TERM", "screen-256color")]).multiplexer, Multiplexer::None);
    }

    #[test]
    fn only_a_terminal_that_names_itself_is_told_in_words() {
        for (key, value, notice) in [
            ("TERM", "xterm-kitty", Some(Notice::One)),
            ("TERM", "rxvt-unicode-256color", Some(Notice::Two)),
            ("TERM", "foot", Some(Notice::Two)),
            ("TERM_PROGRAM", "iTerm.app", Some(Notice::One)),
            ("TERM_PROGRAM", "ghostty", Some(Notice::Two)),
            ("LC_TERMINAL", "iTerm2", Some(Notice::One)),
            ("TERM", "xterm-256color", None),
            ("TERM", "linux", None),
        ] {
            assert_eq!(read(&[(key, value)]).notice, notice, "{key}={value}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_desktop_far_away_is_not_where_the_person_sits() {
        let near = [("DISPLAY", ":0"), ("XDG_RUNTIME_DIR", "/run/user/7")];
        assert!(read(&near).has_desktop && read(&near).has_clipboard);
        let far = [near[0], near[1], ("SSH_CONNECTION", "a 1 b 2")];
        assert!(!read(&far).has_desktop && read(&far).has_clipboard);
        let no_bus = [("WAYLAND_DISPLAY", "wayland-0"), ("XDG_RUNTIME_DIR", "/run/user/8")];
        assert!(!read(&no_bus).has_desktop && read(&no_bus).has_clipboard);
        assert!(!read(&[("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")]).has_clipboard);
    }
}
