//! The terminal is lent to the program and given back whole: around a stop, after signals, whatever the mouse says
//! meanwhile. The built program in a pseudo-terminal, below a shell with job control and below one without.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::login::project;
use common::terminal::Terminal;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;

const NO_ENGINE: (&str, &str) = ("DOCKER_HOST", "unix:///nonexistent/docker.sock");
/// Nobody listens there.
const NO_API: &str = "http://127.0.0.1:9";
const CTRL_Z: &str = "\u{1a}";

fn open(folder: &Path) -> Terminal {
    let state = folder.join("state");
    let environment = [NO_ENGINE, ("XDG_STATE_HOME", state.to_str().expect("a plain path"))];
    Terminal::start(&[], folder, &environment, 120, 36)
}

/// A shell with the program on its screen.
fn open_in_shell(folder: &Path) -> Terminal {
    let state = folder.join("state");
    let environment = [NO_ENGINE, ("XDG_STATE_HOME", state.to_str().expect("a plain path"))];
    let mut terminal = Terminal::start_shell(None, folder, &environment, 120, 36);
    terminal.type_keys("before=$(stty -g)\n");
    terminal.type_keys("tenantry\n");
    terminal.wait_for("Tenants");
    terminal.wait_whose(true);
    terminal
}

/// Waits until the shell has its terminal back and answers.
fn wait_for_shell(terminal: &mut Terminal, round: u8) {
    terminal.wait_whose(false);
    terminal.type_keys(&format!("[ \"$(stty -g)\" = \"$before\" ] && echo whole $(({round}+40))\n"));
    terminal.wait_for(&format!("whole {}", round + 40));
}

/// Brings the program to the front, and leaves it.
fn come_back_and_leave(terminal: &mut Terminal, round: u8) {
    terminal.type_keys("fg\n");
    terminal.wait_whose(true);
    terminal.wait_until("the whole picture", |text| text.contains("Tenants") && !text.contains("sh> "));
    terminal.type_keys("q");
    wait_for_shell(terminal, round);
    terminal.type_keys("echo left with $?, and $(jobs | wc -l) jobs\n");
    terminal.wait_for("left with 0, and 0 jobs");
}

fn send(signal: Signal, process: i32) {
    kill_process(Pid::from_raw(process).expect("a process"), signal).expect("it is there");
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_picture_back() {
    let folder = project(NO_API);
    let mut terminal = open_in_shell(folder.path());
    for round in 1..=2 {
        terminal.type_keys(CTRL_Z);
        terminal.wait_for("Stopped");
        wait_for_shell(&mut terminal, round);
        if round == 1 {
            terminal.type_keys("fg\n");
            terminal.wait_whose(true);
            terminal.wait_until("the whole picture", |text| text.contains("Tenants") && !text.contains("sh> "));
        }
    }
    come_back_and_leave(&mut terminal, 3);
}

#[test]
fn a_stop_from_outside_is_the_same() {
    let folder = project(NO_API);
    let mut terminal = open_in_shell(folder.path());
    send(Signal::TSTP, terminal.program());
    terminal.wait_for("Stopped");
    wait_for_shell(&mut terminal, 1);
    come_back_and_leave(&mut terminal, 2);
}

#[test]
fn after_a_stop_that_cannot_be_heard_everything_is_set_again() {
    let folder = project(NO_API);
    let mut terminal = open_in_shell(folder.path());
    send(Signal::STOP, terminal.program());
    terminal.wait_for("Stopped");
    // Nothing was given back: the shell mends what it can, and the rest is the program's affair.
    come_back_and_leave(&mut terminal, 1);
}

#[test]
fn a_stopped_program_that_is_let_go_on_in_the_background_waits_for_the_front() {
    let folder = project(NO_API);
    let mut terminal = open_in_shell(folder.path());
    terminal.type_keys(CTRL_Z);
    terminal.wait_for("Stopped");
    wait_for_shell(&mut terminal, 1);
    terminal.type_keys("bg; until jobs | grep -q Stopped; do :; done; echo waits $((1+1))\n");
    terminal.wait_for("waits 2");
    wait_for_shell(&mut terminal, 2);
    come_back_and_leave(&mut terminal, 3);
}

#[test]
fn the_terminal_takes_another_size_while_the_program_is_stopped() {
    let folder = project(NO_API);
    let mut terminal = open_in_shell(folder.path());
    terminal.type_keys(CTRL_Z);
    terminal.wait_for("Stopped");
    terminal.wait_whose(false);
    terminal.resize(50, 10);
    terminal.type_keys("fg\n");
    terminal.wait_until("the size it should have", |text| text.contains("60") && text.contains("16"));
    terminal.resize(120, 36);
    terminal.wait_for("Tenants");
    terminal.type_keys("q");
    wait_for_shell(&mut terminal, 1);
}

#[test]
fn without_a_shell_that_would_wake_it_up_the_program_does_not_stop() {
    let folder = project(NO_API);
    let mut terminal = open(folder.path());
    terminal.wait_for("Tenants");
    // This one the system would not stop either.
    send(Signal::TSTP, terminal.program());
    terminal.type_keys(CTRL_Z);
    terminal.wait_for("not stopped");
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
}

#[test]
fn signals_that_mean_leave_leave_the_terminal_whole() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let folder = project(NO_API);
        let mut terminal = open(folder.path());
        terminal.wait_for("Tenants");
        send(signal, terminal.program());
        assert_eq!(terminal.wait_for_whole_end(), 0, "{signal:?}");
    }
}

#[test]
fn nothing_is_asked_of_the_terminal() {
    let folder = project(NO_API);
    let mut terminal = open(folder.path());
    terminal.wait_for("Tenants");
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    let raw = terminal.raw();
    // Where the cursor is, what it is and can do, its colours, its keyboard, its size: some never answer, and whoever waits
    // for them starts late.
    for question in
        ["\u{1b}[6n", "\u{1b}[c", "\u{1b}[0c", "\u{1b}[>c", "\u{1b}]10;?", "\u{1b}]11;?", "\u{1b}[?u", "\u{1b}[14t"]
    {
        let asked = raw.windows(question.len()).any(|window| window == question.as_bytes());
        assert!(!asked, "{question:?} was asked");
    }
}
