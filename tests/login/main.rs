//! Logging in with the built program, against the real Management API and its sandbox's sign-in page, and with a real
//! keyring. Where GNOME Keyring is not installed its test is skipped aloud; with `CI=true` that is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod keyring;
mod screen;
mod world;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = [commands::trials(), screen::trials()].into_iter().flatten().collect();
    let of_keyring = keyring::trials();
    let count = of_keyring.len();
    let is_there = arguments.list || keyring::is_installed();
    if is_there {
        trials.extend(of_keyring);
    } else if std::env::var("CI").is_ok_and(|value| value == "true") {
        eprintln!("FAILED: GNOME Keyring is not installed, and CI=true does not allow its tests to be skipped");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !is_there {
        eprintln!("\nSKIPPED {count} tests: GNOME Keyring is not installed (Debian: gnome-keyring, dbus).\n");
    }
    conclusion.exit_code()
}
