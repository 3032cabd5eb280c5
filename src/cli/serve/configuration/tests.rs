use super::*;
use crate::cli::arguments::{Command as Which, Serve};

fn serve(arguments: &[&str]) -> Result<(Serve, Option<String>), Refusal> {
    let raw: Vec<OsString> = ["tenantry", "serve"].iter().chain(arguments).map(OsString::from).collect();
    let (wanted, warning) = read(&raw)?;
    let Wanted::Run(arguments) = wanted else { panic!("to run") };
    let Some(Which::Serve(serve)) = arguments.command else { panic!("serve") };
    Ok((*serve, warning))
}

struct File(tempfile::NamedTempFile);

impl File {
    fn of(text: &str) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.path().to_str().expect("UTF-8")
    }
}

fn refused(text: &str) -> String {
    let file = File::of(text);
    match serve(&["--data", "d", "--config", file.path()]).map(drop) {
        Err(Refusal::File(problem)) => format!("{problem:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_says_what_no_flag_says() {
    let file =
        File::of("data = 'from-file'\nlisten = '127.0.0.1:1'\nuser = ['a@x', 'b@x']\nfaults = true\nstep-delay = 7");
    let (given, warning) = serve(&["--config", file.path()]).expect("usable");
    assert_eq!((given.data, given.listen.port()), (Some("from-file".into()), 1));
    assert_eq!((given.users, given.faults, given.step_delay), (vec!["a@x".into(), "b@x".into()], true, 7));
    assert_eq!(warning, None);
    // A flag wins, and a list is not mixed.
    let flags = ["--config", file.path(), "--listen", "127.0.0.1:2", "--user", "c@x"];
    let (given, _) = serve(&flags).expect("usable");
    assert_eq!((given.listen.port(), given.users), (2, vec!["c@x".to_owned()]));
    // What is nowhere is missed as ever.
    let file = File::of("faults = false");
    let Err(Refusal::Usage(error)) = serve(&["--config", file.path()]) else { panic!("--data is missing") };
    assert_eq!(error.kind(), clap::error::ErrorKind::MissingRequiredArgument);
}

#[test]
fn what_is_wrong_is_named_with_its_file() {
    let said = refused("listn = '127.0.0.1:1'");
    assert!(said.contains("`listn`") && said.contains("the nearest is `listen`"), "{said}");
    let said = refused("xyzzy-nothing-like-it = 1");
    assert!(said.contains("`xyzzy-nothing-like-it`") && !said.contains("nearest"), "{said}");
    assert!(refused("listen = 'here'").contains("--listen"), "the flag");
    assert!(refused("config = 'another'").contains("`config`"));
    assert!(refused("faults = 'yes'").contains("true or false"));
    assert!(refused("[listen]\na = 1").contains("one value"));
    assert!(refused("a = 1\nb =").contains("line 2"));
}

#[test]
fn no_message_repeats_a_secret() {
    for text in [
        "database-url = 'hunter2' x",
        "database-url = ['hunter2']",
        "database-url = { hunter2 = 'hunter2' }",
        "database-url = 'hunter2'\ndatabase-url = 'hunter2'",
    ] {
        let said = refused(text);
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn secrets_that_others_can_read_are_pointed_out() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = File::of("database-url = 'postgres://u:hunter2@h/d'");
    let warning = |mode| {
        std::fs::set_permissions(file.0.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        serve(&["--data", "d", "--config", file.path()]).expect("usable").1
    };
    assert_eq!(warning(0o600), None);
    let said = warning(0o644).expect("a warning");
    assert!(said.contains("chmod 600") && !said.contains("hunter2"), "{said}");
}

#[test]
fn the_template_holds_every_flag_and_can_be_read() {
    let raw = ["tenantry", "serve", "--print-config"].map(OsString::from);
    let Ok((Wanted::Template(text), None)) = read(&raw) else { panic!("a template") };
    // As it is, it says nothing.
    assert!(text.parse::<toml::Table>().expect("TOML").is_empty(), "{text}");
    let uncommented: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    let table: toml::Table = uncommented.parse().expect("TOML");
    let command = definition();
    let flags: Vec<&str> = command
        .get_arguments()
        .filter_map(Arg::get_long)
        .filter(|name| !["config", "print-config", "help", "version"].contains(name))
        .collect();
    assert!(flags.len() > 15, "{flags:?}");
    assert_eq!(table.len(), flags.len());
    for name in flags {
        let value = table.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        let argument = known(&command, name, Path::new("template")).expect("known");
        let words = words(argument, name, value).expect("a value");
        // A setting without a default has the name of its value there instead.
        if !argument.get_default_values().is_empty() || matches!(argument.get_action(), ArgAction::SetTrue) {
            check(&command, argument, name, &words, Path::new("template")).expect("its default can be read");
        }
    }
}
