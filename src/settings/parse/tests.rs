use super::*;
use crate::settings::{Notify, Timestamps};
use proptest::prelude::*;

fn lines_of(text: &str) -> Vec<String> {
    parse(text).1.iter().map(Mistake::to_string).collect()
}

#[test]
fn everything_that_can_be_said_is_read() {
    let (config, mistakes) = parse(
        r##"default_context = "here"
[context.production]
api = "https://api.systemprompt.io/"
protected = true
colour = "#e05f6b"
[context.here]
api = "http://localhost:9400"
login = { env = "HERE_TOKEN" }
[context."third_1"]
api = "https://h.example/cloud"
login.file = "token"
[ui]
theme = "mine"
ascii = true
mouse = false
read_only = true
timestamps = "utc"
notify = "off"
unlock_minutes = 0
clear_secrets_seconds = 0x10
log_megabytes = 128
editor = "code --wait"
[keys]
deploy = "d"
"logs.search" = ["/", "ctrl-f"]
tenants.first = "g g"
tenants.delete = []
[theme.mine]
base = "light"
bad = "#f00 bold"
"##,
    );
    assert_eq!(mistakes, []);
    let names: Vec<_> = config.contexts.iter().map(|context| (context.name.as_str(), context.line)).collect();
    assert_eq!(names, [("production", 2), ("here", 6), ("third_1", 9)]);
    let production = &config.contexts[0];
    assert_eq!((production.protected, production.colour), (true, Some(Colour::Rgb(0xe0, 0x5f, 0x6b))));
    assert_eq!(config.first_context().map(|context| &context.login), Some(&Login::Env("HERE_TOKEN".into())));
    assert!(!config.contexts[1].protected);
    assert_eq!(config.contexts[2].login, Login::File("token".into()));
    assert_eq!(config.ui.theme, ThemeName::User("mine".into()));
    assert!(config.ui.ascii && !config.ui.mouse && config.ui.read_only);
    assert_eq!((config.ui.timestamps, config.ui.notify), (Timestamps::Utc, Notify::Off));
    assert_eq!((config.ui.unlock_minutes, config.ui.clear_secrets_seconds, config.ui.log_megabytes), (0, 16, 128));
    assert_eq!(config.ui.editor.as_deref(), Some("code --wait"));
    let keys: Vec<_> = config.keys.iter().map(|one| (one.command.as_str(), one.keys.join(" | "), one.line)).collect();
    assert_eq!(
        keys,
        [
            ("deploy", "d".to_owned(), 24),
            ("logs.search", "/ | ctrl-f".to_owned(), 25),
            ("tenants.first", "g g".to_owned(), 26),
            ("tenants.delete", String::new(), 27),
        ]
    );
    let theme = config.theme("mine").expect("a theme");
    assert!(theme.styles.bad.is_some_and(|style| style.bold) && theme.styles.good.is_none());
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_is_allowed() {
    let text = r#"defualt_context = "x"
[context.one]
api = "http://api.systemprompt.io"
[context.two]
protected = true
[context.three]
api = "https://h.example"
protected = "yes"
colour = "teal"
login = "hunter2"
[ui]
theme = "darkk"
ascii = 1
mouze = true
timestamps = "weekly"
log_megabytes = 100000
unlock_minutes = -1
clear_secrets_seconds = "ten"
editor = 7
[keys]
deploy = 1
help = ["?", 2]
[theme.dark]
[theme.mine]
base = "mine"
good = "greeen"
[context."a b"]
[unknown_and_far_away]
"#;
    insta::assert_snapshot!(lines_of(text).join("\n"));
    assert!(!format!("{:?}", parse(text)).contains("hunter2"));
}

#[test]
fn a_mistake_makes_nobody_bolder() {
    let (config, _) = parse("[ui]\nread_only = \"yes\"\n[context.a]\napi = \"https://a.example\"\nprotcted = true\n");
    assert!(config.ui.read_only);
    assert!(config.contexts[0].protected);
    // Where the text is no TOML, what would protect a context may be what was lost.
    let (config, mistakes) = parse("[context.a]\napi = \"https://a.example\"\nprotected = = true\n");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(config.contexts.iter().all(|context| context.protected));
    // Whose login is not known is nobody's.
    let (config, _) = parse("[context.a]\napi = \"https://a.example\"\nlogin = { env = \"NO TOKEN\" }\n");
    assert_eq!(config.contexts, []);
}

#[test]
fn what_is_no_toml_is_told_once_for_each_line() {
    let told = lines_of("[ui]\ntheme = dark\nascii = true\nmouse = maybe\n[keys\n");
    assert_eq!(told.len(), 3, "{told:?}");
    for (told, line) in
        told.iter().zip(["line 2: this is no TOML", "line 4: this is no TOML", "line 5: this is no TOML"])
    {
        assert!(told.starts_with(line), "{told}");
    }
    assert!(parse("[ui]\ntheme = dark\nascii = true\n").0.ui.ascii);
}

#[test]
fn names_that_are_not_there_are_told_with_those_that_are() {
    let told = lines_of(
        "default_context = \"c\"\n[context.a]\napi = \"https://a.example\"\n[ui]\n\ntheme = \"b\"\n[theme.mine]\n",
    );
    assert_eq!(
        told,
        [
            "line 1: default_context: must be one of \"a\"",
            "line 6: ui.theme: must be one of \"auto\", \"dark\", \"light\", \"high-contrast\", \"sixteen\", \"plain\", \
             \"mine\", or a `[theme.NAME]`"
        ]
    );
}

#[test]
fn a_command_has_its_keys_once() {
    let told = lines_of("[keys]\nlogs.search = \"/\"\n\"logs.search\" = \"f\"\n");
    assert_eq!(told, ["line 3: keys.logs.search: line 2 has keys for the same command"]);
}

#[test]
fn a_deep_or_large_file_is_refused_in_a_moment() {
    let deep = format!("x = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(!parse(&deep).1.is_empty());
    let many: Vec<_> = (0..20_000).map(|number| format!("key-{number} = {number}")).collect();
    assert_eq!(parse(&many.join("\n")).1.len(), MISTAKES);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        for mistake in parse(&text).1 {
            prop_assert!(mistake.to_string().chars().all(|c| !c.is_control()));
            prop_assert!(mistake.line >= 1 && mistake.line <= text.matches('\n').count() + 1);
        }
    }

    #[test]
    fn nearly_a_configuration_is_read_or_told(
        lines in prop::collection::vec(prop::sample::select(vec![
            "[ui]", "[keys]", "[context.a]", "[theme.t]", "[context]", "[[context]]", "theme = \"t\"", "theme = \"dark\"",
            "ascii = true", "ascii = ", "api = \"https://a.example\"", "api = 1", "base = \"light\"", "good = \"red\"",
            "good.x = 1", "x = [1,", "]", "a.b = \"g g\"", "\"a.b\" = []", "'''", "login = {", "}", "default_context = \"a\"",
        ]), 0..14)
    ) {
        let (config, mistakes) = parse(&lines.join("\n"));
        if let Some(name) = &config.default_context {
            prop_assert!(config.context(name).is_some());
        }
        if let ThemeName::User(name) = &config.ui.theme {
            prop_assert!(config.theme(name).is_some());
        }
        for mistake in mistakes {
            prop_assert!(mistake.line >= 1 && mistake.line <= lines.len().max(1), "{mistake}");
        }
    }
}
