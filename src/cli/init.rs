//! `tenantry init`: sets the working directory up as a project. Says first what would be done with which file, asks on a
//! terminal, and tells afterwards what became of each.

use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write as _;
use tokio_util::sync::CancellationToken;
use unicode_width::UnicodeWidthStr;

use super::auth::note;
use super::exit::Exit;
use super::frame::{self, Failure, Nowhere, Output, Paint, ask, print};
use crate::model::{Check, Problem, text};
use crate::ops::init::{self, Action, Done, Outcome, Plan};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only say what would be done.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask. Needed where no terminal can answer.
    #[arg(short, long)]
    pub(super) yes: bool,
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    pub(super) output: Output,
}

/// A line of the list: the word for what happens, the file, and why.
struct Row {
    word: &'static str,
    path: String,
    why: String,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    let output = arguments.output;
    set_up(arguments, stop).await.unwrap_or_else(|failure| failure.tell(output.json()))
}

async fn set_up(arguments: Arguments, stop: CancellationToken) -> Result<Exit, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
    let plan = init::plan(here).await?;
    let output = arguments.output;
    if arguments.dry_run {
        output.answer(&document(&plan, None), &told(&plan))?;
        return Ok(Exit::Done);
    }
    let asks = !arguments.yes && plan.has_work();
    if asks && output.can_ask() {
        // Beside the question: whoever is asked has to see what for.
        note(told(&plan).trim_end());
    } else if !output.json() && !output.quiet() {
        print(&told(&plan))?;
    }
    if asks {
        if output.json() || !output.can_ask() {
            return Err(Failure::Usage(
                Problem::new("Nobody can be asked here, so nothing was done.")
                    .hint("Add --yes to do it, or --dry-run to see what would be done."),
            ));
        }
        let is_yes = tokio::select! {
            answer = ask::yes("\nSet this folder up?".to_owned()) => answer?,
            () = stop.cancelled() => return Err(Problem::new("Stopped; nothing was done.").into()),
        };
        if !is_yes {
            return Err(frame::unchanged().into());
        }
    }
    frame::may_change_here().await?;
    // Not broken off: every file is whole, and the next call goes on.
    let done = init::set_up(plan.clone()).await?;
    output.answer(&document(&plan, Some(&done)), &ended(&plan, &done))?;
    match done.problem {
        Some(problem) if !output.json() => Err(problem.into()),
        Some(_) => Ok(Exit::Failed),
        None => Ok(Exit::Done),
    }
}

/// What would be done.
fn told(plan: &Plan) -> String {
    let rows = plan.steps.iter().map(|step| {
        let why = match &step.action {
            Action::Add { what, .. } => what.clone(),
            Action::Blocked(problem) => problem.title.clone(),
            _ => step.why.clone(),
        };
        Row { word: planned(&step.action), path: step.path.clone(), why }
    });
    let mut out = format!("{} at {}\n\n", plan.name, text::line(&plan.root.to_string_lossy()));
    out.push_str(&table(rows.collect()));
    for note in &plan.notes {
        let _ = writeln!(out, "\n! {note}");
    }
    let _ = writeln!(out, "\n{}.", plan.summary());
    if !plan.has_work() {
        out.push_str("There is nothing to do.\n");
    }
    out
}

fn planned(action: &Action) -> &'static str {
    match action {
        Action::Write(_) => "write",
        Action::Add { .. } => "add to",
        Action::Keep => "keep",
        Action::Differs => "keep, would differ",
        Action::Blocked(_) => "leave out",
    }
}

/// What was done: the whole list again only where it is not what was told before.
fn ended(plan: &Plan, done: &Done) -> String {
    let mut out = String::new();
    let as_told = done.files.iter().zip(&plan.steps).all(|(made, step)| made.outcome == Outcome::of(&step.action));
    if !as_told {
        let row = |made: &init::Made| Row { word: made.outcome.word(), path: made.path.clone(), why: made.why.clone() };
        let _ = write!(out, "\n{}", table(done.files.iter().map(row).collect()));
    } else if plan.has_work() {
        out.push_str("\nDone.\n");
    }
    if done.problem.is_some() {
        return out;
    }
    if !done.open.is_empty() {
        out.push_str("\nWhat a deploy still looks for:\n");
        out.extend(done.open.iter().map(|check| super::doctor::line(check, Paint::out())));
    }
    out.push_str("\nNext:\n");
    out.extend(next(done).into_iter().map(|line| format!("  {line}\n")));
    out
}

/// What a person does now, each with its command.
fn next(done: &Done) -> Vec<String> {
    let mut lines = Vec::new();
    if !done.has_login {
        lines.push(format!("{:<17} log in", "tenantry login"));
    }
    lines.push(format!("{:<17} buy a tenant with n, deploy with d", "tenantry"));
    lines.push(format!("{:<17} what a deploy needs, checked", "tenantry doctor"));
    lines
}

fn table(rows: Vec<Row>) -> String {
    let wide = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).width()).max().unwrap_or(0);
    let (word, path) = (wide(|row| row.word), wide(|row| &row.path));
    let gap = |text: &str, columns: usize| " ".repeat(columns.saturating_sub(text.width()) + 2);
    let mut out = String::new();
    for row in rows {
        let line = format!("  {}{}{}{}{}", row.word, gap(row.word, word), row.path, gap(&row.path, path), row.why);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// One document for both: `result` says what was done, or what would be.
fn document(plan: &Plan, done: Option<&Done>) -> Value {
    let files: Vec<Value> = if let Some(done) = done {
        done.files.iter().map(|made| file(&made.path, made.outcome, &made.why)).collect()
    } else {
        let of = |step: &init::Step| file(&step.path, Outcome::of(&step.action), &step.why);
        plan.steps.iter().map(of).collect()
    };
    let open: Vec<&Check> = done.map(|done| done.open.iter().collect()).unwrap_or_default();
    json!({
        "root": plan.root.to_string_lossy(),
        "done": done.is_some_and(|done| done.problem.is_none()),
        "files": files,
        "notes": plan.notes,
        "problem": done.and_then(|done| done.problem.as_ref()),
        "open": open,
    })
}

fn file(path: &str, outcome: Outcome, why: &str) -> Value {
    let result = match outcome {
        Outcome::Written => "written",
        Outcome::Added => "added",
        Outcome::Kept => "kept",
        Outcome::WouldDiffer => "would_differ",
        Outcome::LeftOut => "left_out",
    };
    json!({"path": path, "result": result, "why": why})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Arguments as All;
    use clap::CommandFactory;

    /// The recipes of a new justfile and the last lines of `init` name commands of this program: those that it has.
    #[test]
    fn recipes_name_the_commands_that_there_are() {
        let program = All::command();
        for name in init::RECIPES.iter().filter(|name| !name.starts_with("build")) {
            assert!(program.find_subcommand(name).is_some(), "{name}: correct ops/init/recipes.rs");
        }
    }

    #[tokio::test]
    async fn what_is_done_is_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("Ünter garten");
        std::fs::create_dir(&root).expect("made");
        std::fs::write(root.join("Cargo.toml"), "").expect("written");
        let plan = init::plan(root.clone()).await.expect("a plan");
        let before = told(&plan);
        assert!(
            before.starts_with("Ünter garten at ") && before.contains("  write  .systemprompt/Dockerfile"),
            "{before}"
        );
        let done = init::set_up(plan.clone()).await.expect("done");
        let after = ended(&plan, &done);
        assert!(after.starts_with("\nDone.\n") && after.contains("\nNext:\n  tenantry"), "{after}");
        let document = document(&plan, Some(&done));
        assert_eq!((&document["done"], &document["files"][0]["result"]), (&json!(true), &json!("written")));

        let again = init::plan(root).await.expect("a plan");
        let told = told(&again);
        assert!(told.contains("There is nothing to do.") && !told.contains("  write"), "{told}");
    }
}
