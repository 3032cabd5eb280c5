//! The one table of everything that a configuration can say. The template and the reference are made from it; a test
//! compares it with what is read.

/// A part of the file.
pub(super) struct Part {
    /// Its table in TOML; empty for the file itself.
    pub(super) table: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    /// Its keys, in the order in which they are told.
    pub(super) settings: &'static [Setting],
}

/// A key.
pub(super) struct Setting {
    /// Its name, as TOML writes it.
    pub(super) key: &'static str,
    /// The value that the template has: the default where there is one, else an example.
    pub(super) value: &'static str,
    /// The default in words, where `value` is only an example.
    pub(super) default: Option<&'static str>,
    /// What may be written.
    pub(super) allowed: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
}

const fn setting(key: &'static str, value: &'static str, allowed: &'static str, meaning: &'static str) -> Setting {
    Setting { key, value, default: None, allowed, meaning }
}

impl Setting {
    const fn usually(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
}

const STYLE: &str = "a style";
const PROXY: &str = r#""none", or http, https, socks5 or socks5h with host and port"#;
const FILE: &str = "the path of a file of certificates, PEM";
const OF_BASE: &str = "the base's";

/// All of it, in the order of the file.
pub(super) const PARTS: &[Part] = &[
    Part {
        table: "",
        about: "",
        settings: &[setting(
            "default_context",
            r#""""#,
            "the name of a context",
            "The context to begin with. Empty: the last one, or the one that the project's login is for.",
        )],
    },
    Part {
        table: "context.production",
        about: "A cloud to work on. There may be any number, each with a name of its own: letters, digits, - and _. A \
                context with a mistake in it is protected; one whose api, login, proxy or ca_file cannot be read is left out.",
        settings: &[
            setting(
                "api",
                r#""https://api.systemprompt.io""#,
                "an https address; http for this machine only",
                "The address of its Management API. It has to be there.",
            )
            .usually("none"),
            setting(
                "protected",
                "false",
                "true or false",
                "Ask once more before anything is changed there, and be read-only until it is unlocked.",
            ),
            setting(
                "colour",
                r#""magenta""#,
                "a colour",
                "The accent while this context is open, so that no cloud is taken for another one.",
            )
            .usually("by the kind of cloud"),
            setting(
                "login",
                r#""project""#,
                r#""project", { env = "NAME" }, or { file = "path" }"#,
                "Where the token is: where `tenantry login` keeps it (the keyring, or the project's .systemprompt/credentials.json \
                 where that is for the same API), in an environment variable, or in a file that nobody else can read. A path begins at home (~/) or beside this \
                 file. The token itself never stands here.",
            ),
            setting("proxy", r#""none""#, PROXY, "The proxy of this context, as [network] has it for all.")
                .usually("the one of [network]"),
            setting(
                "ca_file",
                r#""corporate-ca.pem""#,
                FILE,
                "Certificates that count for this context beside the machine's own, as [network] has them for all.",
            )
            .usually("the one of [network]"),
        ],
    },
    Part {
        table: "network",
        about: "How addresses that are not on this machine are reached: the Management API, the registry, tenants. What is \
                not set here is said by the environment, as for other programs: HTTPS_PROXY, ALL_PROXY, NO_PROXY, \
                SSL_CERT_FILE, SSL_CERT_DIR. This machine itself is never reached through a proxy.",
        settings: &[
            setting(
                "proxy",
                r#""http://proxy.example:3128""#,
                PROXY,
                "The proxy for all of it but what NO_PROXY of the environment names; none is none, whatever the environment \
                 says. A user name and password may stand in front of the host (http://name:password@host:port); then nobody \
                 else should be able to read this file. socks5h has the proxy find the host, socks5 finds it here.",
            )
            .usually("the environment's"),
            setting(
                "ca_file",
                r#""corporate-ca.pem""#,
                FILE,
                "Certificates of issuers that count beside the machine's own, for example a company's. A path begins at home \
                 (~/) or beside this file.",
            )
            .usually("the machine's own alone"),
        ],
    },
    Part {
        table: "ui",
        about: "How the screen behaves.",
        settings: &[
            setting(
                "theme",
                r#""auto""#,
                "auto, dark, light, high-contrast, sixteen, plain, or the name of a [theme.NAME]",
                "The colours. auto follows COLORFGBG where the terminal sets it, and is readable on any ground elsewhere. \
                 high-contrast follows it too, and is for a dark ground elsewhere. NO_COLOR in the environment wins over all of them.",
            ),
            setting("ascii", "false", "true or false", "Draw with ASCII alone, for terminals and fonts without more."),
            setting(
                "mouse",
                "true",
                "true or false",
                "Take clicks and the wheel. Most terminals select text all the same while Shift is held.",
            ),
            setting(
                "read_only",
                "false",
                "true or false",
                "Change nothing outside of the program, in no context. What cannot be read counts as true.",
            ),
            setting("timestamps", r#""local""#, "local, utc, or off", "What stands in front of log lines and events."),
            setting(
                "notify",
                r#""auto""#,
                "auto, desktop, terminal, or off",
                "How the end of something long is announced while the terminal has no focus. auto is the desktop where there \
                 is one, else the terminal.",
            ),
            setting(
                "unlock_minutes",
                "15",
                "0 to 480",
                "How long a protected context stays unlocked. 0 asks before every change.",
            ),
            setting("clear_secrets_seconds", "45", "5 to 3600", "How long a copied secret stays in the clipboard."),
            setting(
                "log_megabytes",
                "64",
                "1 to 4096",
                "What the logs of all tenants together may take in memory; the oldest lines go first.",
            ),
            setting(
                "editor",
                r#""""#,
                "a command with its arguments",
                "The editor for everything that is edited outside. Empty: $VISUAL, then $EDITOR.",
            ),
        ],
    },
    Part {
        table: "local",
        about: "Databases for developing, made on this machine.",
        settings: &[setting(
            "image",
            r#""postgres:18-alpine""#,
            "the name of an image",
            "The image of a new local tenant's Postgres, where the command or the form names no other.",
        )],
    },
    Part {
        table: "keys",
        about: "Other keys for commands, by the command's id: a key, or a list of keys; an empty list takes the command off the \
                keyboard. The help of the program lists ids and keys. A key is a character as it is typed (d, G, ?), a name \
                (enter, esc, tab, shift-tab, space, backspace, delete, insert, up, down, left, right, pageup, pagedown, home, \
                end, f1 to f12), or one with ctrl- or alt- in front (ctrl-p, alt-x, ctrl-space). Up to three with a blank \
                between are pressed one after the other (g g, ctrl-w v).",
        settings: &[
            setting(r#""deploy""#, r#""d""#, "a key", "An example: one key.").usually("the command's own"),
            setting(
                r#""logs.search""#,
                r#"["/", "ctrl-f"]"#,
                "a list of keys",
                "An example: two keys for one command.",
            )
            .usually("the command's own"),
            setting(r#""tenants.first""#, r#""g g""#, "keys in a row", "An example: one key after the other.")
                .usually("the command's own"),
            setting(r#""tenants.delete""#, "[]", "an empty list", "An example: no key at all.")
                .usually("the command's own"),
        ],
    },
    Part {
        table: "theme.mine",
        about: "A theme of your own, with any name that no other theme has. A style is a colour, and any of bold, dim, reversed, \
                and `on` with a second colour behind the text. A colour is #rrggbb, default for the terminal's own, or one of \
                the terminal's sixteen: black, red, green, yellow, blue, magenta, cyan, gray, dark-gray, light-red, \
                light-green, light-yellow, light-blue, light-magenta, light-cyan, white.",
        settings: &[
            setting(
                "base",
                r#""dark""#,
                "dark, light, high-contrast, sixteen, or plain",
                "The theme that everything else is taken from.",
            ),
            setting("text", r#""default""#, STYLE, "Ordinary text.").usually(OF_BASE),
            setting("strong", r#""default bold""#, STYLE, "What matters most on a line.").usually(OF_BASE),
            setting("dim", r##""#7f849c""##, STYLE, "What may be overlooked.").usually(OF_BASE),
            setting("accent", r##""#94e2d5""##, STYLE, "Focus, keys, what is under way.")
                .usually("the context's colour"),
            setting("good", r##""#a6e3a1""##, STYLE, "Done, running.").usually(OF_BASE),
            setting("info", r##""#89b4fa""##, STYLE, "Waits for you.").usually(OF_BASE),
            setting("warn", r##""#f9e2af""##, STYLE, "Needs attention.").usually(OF_BASE),
            setting("bad", r##""#f38ba8 bold""##, STYLE, "Failed.").usually(OF_BASE),
            setting("selection", r#""default bold""#, STYLE, "The selected row.").usually(OF_BASE),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Config, parse, template};
    use serde_json::Value;

    fn keys_of(value: &Value) -> Vec<String> {
        let mut keys: Vec<_> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys
    }

    fn keys_in(part: &str) -> Vec<String> {
        let part = PARTS.iter().find(|one| one.table.split('.').next() == Some(part)).expect("a part");
        let mut keys: Vec<_> = part.settings.iter().map(|setting| setting.key.to_owned()).collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_table_has_every_key_that_is_read_and_no_other() {
        let (config, mistakes) = parse(&uncommented(&template()));
        assert_eq!(mistakes, []);
        let json = serde_json::to_value(&config).expect("plain data");
        assert_eq!(keys_of(&json["ui"]), keys_in("ui"));
        assert_eq!(keys_of(&json["local"]), keys_in("local"));
        assert_eq!(keys_of(&json["network"]), keys_in("network"));
        assert_eq!(keys_of(&json["context"][0]), keys_in("context"));
        assert_eq!(keys_of(&json["theme"][0]), keys_in("theme"));
        let mut tables: Vec<_> = PARTS.iter().filter_map(|part| part.table.split('.').next()).collect();
        tables.retain(|table| !table.is_empty());
        tables.extend(keys_in("").iter().map(|_| "default_context"));
        tables.sort_unstable();
        let mut read = keys_of(&json);
        read.retain(|key| key != "path");
        assert_eq!(read, tables);
    }

    #[test]
    fn the_template_says_the_defaults() {
        let (config, mistakes) = parse(&uncommented(&template()));
        assert_eq!(mistakes, []);
        let usual = Config::default();
        assert_eq!((&config.ui, &config.default_context), (&usual.ui, &usual.default_context));
        assert_eq!(config.local, usual.local);
        let context = &config.contexts[0];
        assert_eq!((context.protected, &context.login), (false, &crate::settings::Login::Project));
        assert_eq!(config.themes[0].base, crate::settings::Base::default());
        let ids: Vec<_> = config.keys.iter().map(|binding| binding.command.as_str()).collect();
        assert_eq!(ids, ["deploy", "logs.search", "tenants.first", "tenants.delete"]);
        // As it is printed it says nothing.
        assert_eq!(parse(&template()), (usual, Vec::new()));
    }

    /// What it says with every comment sign in front of a setting taken away.
    fn uncommented(template: &str) -> String {
        template
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn every_line_of_the_template_can_be_read_without_scrolling() {
        for line in template().lines() {
            assert!(line.len() <= 100, "{line}");
        }
    }
}
