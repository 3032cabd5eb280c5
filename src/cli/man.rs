//! `tenantry man`: the manual pages, made from what the command line knows of itself.

use clap::{Args, Command, CommandFactory};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::frame::{Failure, print};
use crate::model::Problem;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tenantry man | man -l -\n  tenantry man secrets set | man -l -\n  tenantry man --out ~/.local/share/man/man1"
)]
pub(super) struct Arguments {
    /// The command, with its parts as words of their own; the program itself where nothing is said.
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Vec<String>,
    /// Write a page for every command into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let program = program();
    match &arguments.out {
        Some(folder) => {
            let written = write_all(&program, folder).map_err(|error| {
                Problem::new("The manual pages could not be written.").detail(format!("{}: {error}", folder.display()))
            })?;
            print(&format!("{written} pages are in {}.\n", crate::model::text::line(&folder.to_string_lossy())))?;
        }
        None => print(&page(find(&program, &arguments.command)?)?)?,
    }
    Ok(Exit::Done)
}

/// With the full name of every command, which its page is called by.
fn program() -> Command {
    fn named(command: Command, before: &str) -> Command {
        let name =
            if before.is_empty() { command.get_name().to_owned() } else { format!("{before}-{}", command.get_name()) };
        let below = name.clone();
        command.display_name(name).mut_subcommands(move |one| named(one, &below))
    }
    let mut program = super::arguments::Arguments::command();
    program.build();
    named(program, "")
}

fn find<'a>(program: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    let mut found = program;
    for word in words {
        found = found.find_subcommand(word).ok_or_else(|| {
            let words = crate::model::text::short(&words.join(" "), 60);
            Failure::Usage(Problem::new(format!("There is no command {words}.")).hint("`tenantry --help` lists them."))
        })?;
    }
    Ok(found)
}

fn page(command: &Command) -> Result<String, Problem> {
    let mut out = Vec::new();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut out);
    rendered.map_err(|error| Problem::new("The manual page could not be made.").detail(error.to_string()))?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn write_all(command: &Command, folder: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let page = page(command).map_err(std::io::Error::other)?;
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    let mut written = 1;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        written += write_all(below, folder)?;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = write_all(&program(), folder.path()).expect("written");
        assert!(written > 40, "{written}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
        assert!(read("tenantry.1").contains(".TH tenantry 1"));
        assert!(read("tenantry-secrets-set.1").contains("standard input"));
        let words = ["secrets", "set"].map(str::to_owned);
        assert!(find(&program(), &words).is_ok() && find(&program(), &["nothing".to_owned()]).is_err());
    }
}
