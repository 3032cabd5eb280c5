//! Editor, mouse and clipboard on the real loop in a real terminal: this very program, run again below a
//! pseudo-terminal, with keys of its own that send it on errands.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

use super::looping::Script;
use crate::cli::stop;
use crate::model::Secret;
use crate::tui::app::{App, Toast};
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::msg::{Answer, Msg};
use crate::tui::outside::surroundings::Surroundings;
use crate::tui::outside::{self, Errand, Text};
use crate::tui::runtime::testing::drive_here;
use crate::tui::update::update;

#[path = "../../../tests/common/terminal.rs"]
#[allow(dead_code, reason = "each target uses its part")]
mod terminal;

use terminal::Terminal;

/// Set for the child alone.
const CHILD: &str = "TENANTRY_TEST_OUTSIDE";
/// A file; when it is there the child panics.
const PANIC: &str = "TENANTRY_TEST_OUTSIDE_PANIC";
/// What the child exits with when a panic was told as one.
const TOLD: i32 = 42;
const NAME: &str = "tui::tests::outside::the_program_below_the_terminal";
const BEFORE: &str = "key = hunter2\n";
const MOUSE_OFF: &str = "\u{1b}[?1006l";
/// What an invented editor says when it has the terminal.
const READY: &str = "the editor has it";

#[test]
fn the_program_below_the_terminal() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if let Some(sign) = std::env::var_os(PANIC) {
        std::thread::spawn(move || {
            while !Path::new(&sign).exists() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            panic!("on purpose: while somebody else has the terminal");
        });
    }
    let ended = runtime.block_on(async {
        let stop = stop::on_signals().expect("signals");
        Box::pin(drive_here(Arc::new(Script::default()), Surroundings::default(), stop, with_errands)).await
    });
    std::process::exit(match ended {
        Ok(()) => 0,
        Err(crate::tui::TuiError::Panicked) => TOLD,
        Err(_) => 1,
    });
}

/// Capital letters are errands; the text that was edited is shown, which the real screen never does.
fn with_errands(app: &mut App, msg: Msg) -> Vec<Effect> {
    let errand = match msg {
        Msg::Key(Key::Char('E')) => Errand::Edit {
            text: Text::secret(Secret::new(BEFORE)),
            suffix: ".env".to_owned(),
            what: "the secrets of orchard".to_owned(),
        },
        Msg::Key(Key::Char('Y')) => Errand::Copy(Text::plain("copied words")),
        Msg::Key(Key::Char('M')) => Errand::Mouse(false),
        Msg::Key(Key::Char('N')) => Errand::Mouse(true),
        Msg::Answer(_, Answer::Outside(outside::Answer::Edited(Ok(edited)))) => {
            let text = format!("edited: {:?}, {}", edited.text.reveal(), edited.changed);
            app.shared.toast = Some(Toast { text, bad: false });
            app.shared.timers.toast = None;
            app.shared.dirty = true;
            return Vec::new();
        }
        msg => return update(app, msg),
    };
    vec![Effect::Errand(app.shared.jobs.start(errand.slot(), app.shared.now.running), errand)]
}

/// A folder with an editor of these words of a shell; `$1` is the file.
fn editor(script: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("editor");
    let words = format!("#!/bin/sh\ncd '{}'\necho \"$1\" >path\n{script}\n", folder.path().display());
    fs::write(&path, words).expect("written");
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("set");
    folder
}

fn environment(folder: &Path) -> [(&'static str, String); 5] {
    let state = folder.join("state").display().to_string();
    let editor = folder.join("editor").display().to_string();
    let none = String::new;
    [
        (CHILD, "1".to_owned()),
        ("VISUAL", none()),
        ("EDITOR", editor),
        ("XDG_RUNTIME_DIR", none()),
        (crate::workspace::state::VARIABLE, state),
    ]
}

fn open(folder: &Path) -> Terminal {
    open_with(folder, None)
}

fn open_with(folder: &Path, more: Option<(&str, &str)>) -> Terminal {
    let this = std::env::current_exe().expect("a path");
    let environment = environment(folder);
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).chain(more).collect();
    let terminal = Terminal::start_program(&this, &[NAME, "--exact", "--nocapture"], folder, &environment, 120, 36);
    terminal.wait_for("orchard");
    terminal
}

fn open_in_shell(folder: &Path) -> Terminal {
    let this = format!("{} {NAME} --exact --nocapture", std::env::current_exe().expect("a path").display());
    let environment = environment(folder);
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut terminal = Terminal::start_shell(Some(&this), folder, &environment, 120, 36);
    terminal.type_keys("before=$(stty -g)\n");
    terminal.type_keys("tenantry\n");
    terminal.wait_for("orchard");
    terminal
}

fn leave(mut terminal: Terminal) {
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
}

/// The file that the editor got; it must be gone, with its folder.
fn assert_gone(folder: &Path) {
    let path = fs::read_to_string(folder.join("path")).expect("the editor ran");
    let file = Path::new(path.trim_end());
    assert!(file.ends_with("text.env") && file.starts_with(folder.join("state/edit")), "{path}");
    assert!(!file.parent().expect("a folder").exists(), "{path} is still there");
    let left = fs::read_dir(folder.join("state/edit")).expect("readable").count();
    assert_eq!(left, 0);
}

#[test]
fn an_editor_has_the_terminal_alone_and_its_file_is_nobody_elses() {
    let folder = editor(&format!(
        r#"stat -c %a "$1" "$(dirname "$1")" >modes; cat "$1" >got; echo "{READY}"
        read -r line; echo "$line" >typed; stty -g >settings; echo "key = new" >"$1"; echo swap >"$1.swp""#
    ));
    let mut terminal = open(folder.path());
    // What is typed ahead is meant for nobody: in particular it must not be read as commands afterwards.
    terminal.type_keys("EdNq");
    terminal.wait_for(READY);
    terminal.wait_whose(false);
    terminal.type_keys("q d E\n");
    terminal
        .wait_until("the new text", |text| text.contains(r#"edited: "key = new\n", true"#) && !text.contains(READY));
    terminal.wait_whose(true);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("the editor wrote it");
    assert_eq!(read("modes"), "600\n700\n");
    assert_eq!(read("got"), BEFORE);
    assert_eq!(read("typed").trim_start_matches("dNq"), "q d E\n");
    assert_gone(folder.path());
    leave(terminal);
}

#[test]
fn an_editor_that_dies_in_the_middle_changes_nothing_and_breaks_nothing() {
    let folder = editor(&format!(
        r#"stty raw -echo; printf '\033[?1049h\033[?25l\033[?1000h'; echo lost >"$1"; echo "{READY}"; read -r line; kill -9 $$"#
    ));
    let mut terminal = open(folder.path());
    terminal.type_keys("E");
    terminal.wait_for(READY);
    terminal.type_keys("\n");
    terminal
        .wait_until("what happened", |text| text.contains("could not be edited") && text.contains("as it was before"));
    assert_gone(folder.path());
    leave(terminal);
}

#[test]
fn an_editor_that_is_missing_is_said() {
    let folder = editor("");
    fs::remove_file(folder.path().join("editor")).expect("removed");
    let mut terminal = open(folder.path());
    terminal.type_keys("E");
    terminal.wait_for("The secrets of orchard could not be edited");
    terminal.wait_whose(true);
    let left = fs::read_dir(folder.path().join("state/edit")).expect("readable").count();
    assert_eq!(left, 0);
    leave(terminal);
}

#[test]
fn ctrl_c_in_an_editor_is_the_editors() {
    let folder = editor(&format!(r#"echo "{READY}"; read -r line"#));
    let mut terminal = open(folder.path());
    terminal.type_keys("E");
    terminal.wait_for(READY);
    terminal.wait_whose(false);
    terminal.type_keys("\u{3}");
    terminal.wait_for("could not be edited");
    assert_gone(folder.path());
    leave(terminal);
}

#[test]
fn a_signal_ends_the_editor_too() {
    let folder = editor(&format!(r#"stty raw -echo; echo "{READY}"; while :; do sleep 1; done"#));
    let mut terminal = open(folder.path());
    terminal.type_keys("E");
    terminal.wait_for(READY);
    terminal.wait_whose(false);
    let program = terminal.program();
    kill_process(Pid::from_raw(program).expect("a process"), Signal::TERM).expect("it is there");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    assert_gone(folder.path());
}

#[test]
fn a_panic_ends_the_editor_too_and_gives_back_a_whole_terminal() {
    let script = r#"stty raw -echo; printf '\033[?1000h'; echo ready >ready; trap "printf '\033[?1000l'; exit" TERM
        while :; do sleep 0.1; done"#;
    let folder = editor(script);
    let sign = folder.path().join("ready").display().to_string();
    let mut terminal = open_with(folder.path(), Some((PANIC, &sign)));
    terminal.type_keys("E");
    terminal.wait_for("on purpose");
    assert_eq!(terminal.wait_for_whole_end(), TOLD);
    assert_gone(folder.path());
}

/// Stops the editor with `stop`, comes back, ends it, and leaves.
fn stop_and_come_back(folder: &Path, stop: impl FnOnce(&mut Terminal)) {
    let mut terminal = open_in_shell(folder);
    terminal.type_keys("E");
    terminal.wait_for(READY);
    terminal.wait_whose(false);
    stop(&mut terminal);
    terminal.wait_for("Stopped");
    terminal.type_keys("echo the shell answers $((40+2))\n");
    terminal.wait_for("the shell answers 42");
    terminal.type_keys("fg\n");
    // Still the editor's.
    terminal.type_keys("now\n");
    terminal.wait_for(r#"edited: "now\n", true"#);
    terminal.wait_whose(true);
    terminal.type_keys("q");
    terminal.wait_whose(false);
    terminal.type_keys("[ \"$(stty -g)\" = \"$before\" ] && echo left with $?, whole\n");
    terminal.wait_for("left with 0, whole");
    assert_gone(folder);
}

#[test]
fn ctrl_z_in_an_editor_stops_both_and_fg_brings_both_back() {
    let folder = editor(&format!(r#"echo "{READY}"; read -r line; echo "$line" >"$1""#));
    stop_and_come_back(folder.path(), |terminal| terminal.type_keys("\u{1a}"));
}

#[test]
fn an_editor_that_stops_itself_alone_does_not_leave_the_person_without_a_shell() {
    let folder = editor(&format!(r#"echo "{READY}"; read -r go; kill -STOP $$; read -r line; echo "$line" >"$1""#));
    stop_and_come_back(folder.path(), |terminal| terminal.type_keys("go\n"));
}

#[test]
fn the_mouse_can_be_freed_and_says_nothing_to_the_shell_afterwards() {
    let folder = editor("");
    let mut terminal = open(folder.path());
    let on = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
    let times = |raw: &[u8], what: &[u8]| raw.windows(what.len()).filter(|window| *window == what).count();
    terminal.wait_raw("the mouse is on", |raw| times(raw, on) == 1);
    terminal.type_keys("M");
    terminal.wait_for("selects text");
    terminal.wait_raw("the mouse is off", |raw| times(raw, MOUSE_OFF.as_bytes()) == 1);
    terminal.type_keys("N");
    terminal.wait_for("speaks to tenantry");
    terminal.wait_raw("the mouse is on again", |raw| times(raw, on) == 2);
    terminal.send_late(MOUSE_OFF, "\u{1b}[<32;40;10M\u{1b}[<32;41;10M\u{1b}[<0;41;10m");
    leave(terminal);
}

#[test]
fn what_is_copied_goes_to_the_terminal() {
    let folder = editor("");
    let mut terminal = open(folder.path());
    terminal.type_keys("Y");
    terminal.wait_for("the terminal's clipboard");
    let raw = terminal.raw();
    let wanted = b"\x1b]52;c;Y29waWVkIHdvcmRz\x07";
    assert!(raw.windows(wanted.len()).any(|window| window == wanted));
    leave(terminal);
}
