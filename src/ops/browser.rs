//! Opens an address in the person's browser.

use crate::model::{Problem, text};

/// Opens `url`, which must be http or https: an address from a server must not start anything else.
pub async fn open(url: &str) -> Result<(), Problem> {
    let address = url::Url::parse(url).ok().filter(|parsed| matches!(parsed.scheme(), "http" | "https"));
    let Some(address) = address else {
        return Err(Problem::new("This is no web address.").detail(text::short(url, 100)));
    };
    // Starts a program and may wait for it.
    let opened = tokio::task::spawn_blocking(move || webbrowser::open(address.as_str())).await;
    match opened {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(no_browser(url, &error.to_string())),
        Err(stopped) => Err(no_browser(url, &stopped.to_string())),
    }
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
}
