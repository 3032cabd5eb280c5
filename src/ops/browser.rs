//! Opens an address in the person's browser.

use crate::model::{Problem, text};

/// Opens `url`, which must be http or https: an address from a server must not start anything else.
pub async fn open(url: &str) -> Result<(), Problem> {
    let address = url::Url::parse(url).ok().filter(|parsed| matches!(parsed.scheme(), "http" | "https"));
    let Some(address) = address else {
        return Err(Problem::new("This is no web address.").detail(text::short(url, 100)));
    };
    if let Some(name) = std::env::var("BROWSER").ok().as_deref().and_then(text_browser) {
        return Err(no_browser(url, &format!("BROWSER names {name}, which would need this terminal for itself.")));
    }
    // Starts a program and may wait for it.
    let opened = tokio::task::spawn_blocking(move || webbrowser::open(address.as_str())).await;
    match opened {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(no_browser(url, &error.to_string())),
        Err(stopped) => Err(no_browser(url, &stopped.to_string())),
    }
}

/// Browsers that draw on the terminal they are started in, which has a screen on it already.
const TEXT_BROWSERS: [&str; 9] = ["lynx", "links", "links2", "elinks", "w3m", "eww", "netrik", "retawq", "curl"];

/// The first browser of the `BROWSER` variable, where it is one of those.
fn text_browser(variable: &str) -> Option<String> {
    let command = variable.split(':').find(|command| !command.trim().is_empty())?;
    let name = std::path::Path::new(command.split_whitespace().next()?).file_name()?.to_str()?;
    TEXT_BROWSERS.contains(&name).then(|| name.to_owned())
}

fn no_browser(url: &str, why: &str) -> Problem {
    Problem::new("No browser could be opened.").detail(why).hint(format!("Open it yourself: {url}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_web_addresses_are_opened() {
        for url in ["file:///etc/passwd", "javascript:alert(1)", "--help", "", "tel:110"] {
            let problem = open(url).await.expect_err(url);
            assert_eq!(problem.title, "This is no web address.");
        }
    }

    #[test]
    fn a_browser_that_draws_on_the_terminal_is_recognised() {
        for variable in ["w3m", "/usr/bin/lynx %s", "::links2:firefox"] {
            assert!(text_browser(variable).is_some(), "{variable}");
        }
        for variable in ["", ":", "firefox:w3m", "/opt/w3m/open-elsewhere", "open-w3m"] {
            assert_eq!(text_browser(variable), None, "{variable}");
        }
    }
}
