//! `tenantry serve --config FILE`: settings in a TOML file. Flags win over the environment, the environment over the
//! file, the file over the defaults.
//!
//! There is one definition of every setting: clap's. A key of the file is the long name of a flag; what was given neither
//! as a flag nor in the environment is added to the arguments, inside this process, and everything is read again.
//! No message repeats a value that is secret.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, Parser as _};
use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::cli::arguments::Arguments;
use crate::model::{Problem, Secret};

/// See the module. Read by [`read`], before everything else.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ConfigurationFlags {
    /// File with settings, TOML; see --print-config. Flags and the environment win over it.
    #[arg(long, value_name = "FILE", env = "TENANTRY_SERVE_CONFIG")]
    #[allow(dead_code, reason = "read from the matches")]
    config: Option<PathBuf>,
    /// Print a file with every setting, its meaning and its default, and end.
    #[arg(long)]
    #[allow(dead_code, reason = "read from the matches")]
    print_config: bool,
}

/// Flags that no file can hold.
const NOT_IN_A_FILE: [&str; 4] = ["config", "print_config", "help", "version"];
/// The command that has a file.
const SERVE: &str = "serve";

/// What the arguments ask for.
pub(in crate::cli) enum Wanted {
    /// To run.
    Run(Box<Arguments>),
    /// The template of a file.
    Template(String),
}

/// Why the arguments cannot be used.
#[derive(Debug)]
pub(in crate::cli) enum Refusal {
    /// clap says it, also when help was asked for.
    Usage(clap::Error),
    /// The file.
    File(Problem),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// Reads the arguments, and the file that they or the environment name. Answers also what a person should be told.
pub(in crate::cli) fn read(raw: &[OsString]) -> Result<(Wanted, Option<String>), Refusal> {
    let strict = || Arguments::try_parse_from(raw).map(|arguments| (Wanted::Run(Box::new(arguments)), None));
    // What is missing may be in the file.
    let lenient = Arguments::command().mut_subcommand(SERVE, optional);
    let Ok(matches) = lenient.try_get_matches_from(raw) else { return Ok(strict()?) };
    let Some((SERVE, given)) = matches.subcommand() else { return Ok(strict()?) };
    let command = definition();
    if given.get_flag("print_config") {
        return Ok((Wanted::Template(super::template::of(&command)), None));
    }
    let Some(file) = given.get_one::<PathBuf>("config") else { return Ok(strict()?) };
    let table = load(file).map_err(Refusal::File)?;
    let mut target = (&command, given, SERVE);
    if let Some((name, given)) = given.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        target = (command, given, name);
    }
    let (mut more, mut holds_secrets) = (Vec::new(), false);
    for (key, value) in table {
        let argument = known(&command, &key, file).map_err(Refusal::File)?;
        let words = words(argument, &key, &value).map_err(|what| Refusal::File(unusable(file, &what)))?;
        check(&command, argument, &key, &words, file).map_err(Refusal::File)?;
        holds_secrets |= is_secret(argument);
        if wants(target.0, target.1, argument) {
            more.extend(words);
        }
    }
    let at = raw.iter().rposition(|word| word == OsStr::new(target.2)).unwrap_or(0) + 1;
    let all = raw[..at].iter().cloned().chain(more).chain(raw[at..].iter().cloned());
    let arguments = Arguments::try_parse_from(all)?;
    let warning = (holds_secrets && others_can_read(file))
        .then(|| format!("{} holds secrets and others on this machine can read it; chmod 600 helps", file.display()));
    Ok((Wanted::Run(Box::new(arguments)), warning))
}

/// The definition of `serve`, with what clap adds.
pub(super) fn definition() -> Command {
    let mut all = Arguments::command();
    all.build();
    all.find_subcommand(SERVE).cloned().unwrap_or_default()
}

fn optional(command: Command) -> Command {
    command.mut_args(|argument| argument.required(false))
}

/// The settings that a file can hold.
pub(super) fn settings(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    command
        .get_arguments()
        .filter(|argument| !NOT_IN_A_FILE.contains(&argument.get_id().as_str()))
        .filter_map(|argument| Some((argument.get_long()?, argument)))
}

/// True for what must not be shown.
pub(super) fn is_secret(argument: &Arg) -> bool {
    argument.is_hide_env_values_set() || argument.get_value_parser().type_id() == TypeId::of::<Secret>()
}

/// True where the command knows the setting and was told nothing better.
fn wants(command: &Command, given: &ArgMatches, argument: &Arg) -> bool {
    let id = argument.get_id().as_str();
    command.get_arguments().any(|known| known.get_id() == id)
        && !matches!(given.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

fn unusable(file: &Path, what: &str) -> Problem {
    Problem::new("The server's settings cannot be used.")
        .detail(format!("{}: {what}", file.display()))
        .hint("`tenantry serve --print-config` prints a file with every setting.")
}

fn load(file: &Path) -> Result<toml::Table, Problem> {
    let text = std::fs::read_to_string(file).map_err(|error| unusable(file, &error.to_string()))?;
    text.parse().map_err(|error: toml::de::Error| {
        // Its own words would repeat the line, and with it what may be a secret.
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        unusable(file, &format!("it is no TOML at about line {line}"))
    })
}

fn known<'a>(command: &'a Command, key: &str, file: &Path) -> Result<&'a Arg, Problem> {
    if let Some((_, argument)) = settings(command).find(|(name, _)| *name == key) {
        return Ok(argument);
    }
    let nearest = crate::model::nearest(key, settings(command).map(|(name, _)| name));
    let hint = nearest.map_or_else(String::new, |name| format!("; the nearest is `{name}`"));
    let key = crate::model::text::line(key);
    Err(unusable(file, &format!("there is no setting `{key}`{hint}")))
}

/// The setting as it would be written on a command line.
fn words(argument: &Arg, key: &str, value: &toml::Value) -> Result<Vec<OsString>, String> {
    let word = |value: &toml::Value| match value {
        toml::Value::String(text) => Some(OsString::from(format!("--{key}={text}"))),
        toml::Value::Integer(number) => Some(format!("--{key}={number}").into()),
        toml::Value::Float(number) => Some(format!("--{key}={number}").into()),
        toml::Value::Boolean(yes) => Some(format!("--{key}={yes}").into()),
        _ => None,
    };
    match (argument.get_action(), value) {
        (ArgAction::SetTrue, toml::Value::Boolean(yes)) => {
            Ok(if *yes { vec![format!("--{key}").into()] } else { Vec::new() })
        }
        (ArgAction::SetTrue, _) => Err(format!("`{key}` is true or false")),
        (ArgAction::Append, toml::Value::Array(values)) => {
            values.iter().map(|value| word(value).ok_or_else(|| format!("`{key}` is a list of words"))).collect()
        }
        (_, value) => word(value).map(|word| vec![word]).ok_or_else(|| format!("`{key}` has one value")),
    }
}

/// Reads one setting alone, so that what is wrong with it can be said with its name and its file.
fn check(command: &Command, argument: &Arg, key: &str, words: &[OsString], file: &Path) -> Result<(), Problem> {
    let alone = optional(command.clone()).no_binary_name(true);
    let Err(error) = alone.try_get_matches_from(words) else { return Ok(()) };
    if is_secret(argument) {
        return Err(unusable(file, &format!("the value of `{key}` cannot be used")));
    }
    let why = error.to_string();
    let why = why.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Err(unusable(file, &crate::model::text::line(&why)))
}

#[cfg(unix)]
fn others_can_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
