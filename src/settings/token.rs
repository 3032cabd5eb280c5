//! Finds the token of a context: in the project, in the environment, or in a file that only its owner can read.

use std::path::Path;

use super::{Context, Login, SettingsError};
use crate::model::Secret;
use crate::outbound;
use crate::workspace::{Credentials, Project, reading};

impl Context {
    /// The token, where there is one. `project` is the one at hand; its login counts only where it is for the same API, so
    /// that no token is sent to another one. Blocks on the disk.
    pub fn token(&self, project: Option<&Project>) -> Result<Option<Secret>, SettingsError> {
        self.token_with(project, |name| std::env::var(name).ok())
    }

    fn token_with(
        &self,
        project: Option<&Project>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Secret>, SettingsError> {
        match &self.login {
            Login::Project => {
                let stored = project.map(Credentials::read).transpose()?.flatten();
                let same = |stored: &Credentials| outbound::address(&stored.api_url).is_ok_and(|api| api == self.api);
                Ok(stored.filter(same).map(|stored| stored.token))
            }
            Login::Env(name) => {
                let place = || SettingsError::NoToken { place: format!("The variable {name}") };
                variable(name).as_deref().and_then(token).map(Some).ok_or_else(place)
            }
            Login::File(path) => from_file(path).map(Some),
        }
    }
}

fn from_file(path: &Path) -> Result<Secret, SettingsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let is_open = std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
        if is_open {
            return Err(SettingsError::OpenToken { path: path.to_owned() });
        }
    }
    let bytes = reading::small_file(path)?.ok_or_else(|| SettingsError::NoTokenFile { path: path.to_owned() })?;
    let none = || SettingsError::NoToken { place: path.display().to_string() };
    String::from_utf8(bytes).ok().as_deref().and_then(token).ok_or_else(none)
}

/// A token is one word; more than one line is something else.
fn token(raw: &str) -> Option<Secret> {
    let word = raw.trim();
    (!word.is_empty() && word.chars().all(|c| c.is_ascii_graphic())).then(|| Secret::new(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;

    fn context(login: &str) -> Context {
        let text = format!("[context.here]\napi = \"https://h.example/cloud\"\nlogin = {login}\n");
        let (config, mistakes) = parse(&text);
        assert_eq!(mistakes, []);
        config.contexts[0].clone()
    }

    #[test]
    fn a_variable_holds_a_token_or_the_lack_of_it_is_told() {
        let context = context(r#"{ env = "HERE_TOKEN" }"#);
        let set = |value: &'static str| move |name: &str| (name == "HERE_TOKEN").then(|| value.to_owned());
        let found = context.token_with(None, set(" hunter2\n")).expect("found").expect("a token");
        assert_eq!(found.reveal(), "hunter2");
        for value in ["", "  ", "hunter2 hunter2", "hunter2\n\u{1b}[2J"] {
            let error = context.token_with(None, move |_| Some(value.to_owned())).expect_err("no token");
            assert!(!format!("{error} {error:?} {:?}", error.problem()).contains("hunter2"));
        }
        assert!(context.token_with(None, |_| None).expect_err("not set").problem().requires_login);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let context = context(&format!("{{ file = {:?} }}", path.display().to_string()));
        assert!(matches!(context.token(None), Err(SettingsError::NoTokenFile { .. })));
        std::fs::write(&path, "hunter2\n").expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("set");
        assert!(matches!(context.token(None), Err(SettingsError::OpenToken { .. })));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("set");
        assert_eq!(
            context.token(None).expect("read").map(|token| token.reveal().to_owned()).as_deref(),
            Some("hunter2")
        );
        std::fs::write(&path, "\n").expect("written");
        assert!(matches!(context.token(None), Err(SettingsError::NoToken { .. })));
    }

    #[test]
    fn the_projects_login_counts_for_its_own_api_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        let context = context(r#""project""#);
        assert!(context.token(Some(&project)).is_ok_and(|token| token.is_none()));
        for (api, found) in
            [("https://h.example/cloud/", true), ("https://h.example", false), ("https://evil.example", false)]
        {
            let stored = Credentials {
                token: Secret::new("hunter2"),
                api_url: api.to_owned(),
                authenticated_at: None,
                email: "mara@orchard.example".to_owned(),
                user_id: None,
                context: None,
            };
            stored.write(&project).expect("written");
            assert_eq!(context.token(Some(&project)).expect("read").is_some(), found, "{api}");
        }
        assert!(context.token(None).is_ok_and(|token| token.is_none()));
    }
}
