//! A notice on the desktop.

use std::time::Duration;

use crate::model::text;

/// How long a desktop may take to answer.
const LIMIT: Duration = Duration::from_secs(2);
/// Longest title and body, in characters; more is cut by those who show it.
const TITLE: usize = 80;
const BODY: usize = 300;

/// Shows `title` and `body`. The error is the desktop's words.
pub async fn on_desktop(title: &str, body: &str) -> Result<(), String> {
    let mut notice = notify_rust::Notification::new();
    notice.appname("tenantry").summary(&text::short(title, TITLE)).body(&without_markup(&text::short(body, BODY)));
    match tokio::time::timeout(LIMIT, show(notice)).await {
        Ok(result) => result,
        Err(_) => Err("the desktop does not answer".to_owned()),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn show(notice: notify_rust::Notification) -> Result<(), String> {
    notice.show_async().await.map(drop).map_err(|error| error.to_string())
}

#[cfg(target_os = "macos")]
async fn show(notice: notify_rust::Notification) -> Result<(), String> {
    match tokio::task::spawn_blocking(move || notice.show().map(drop)).await {
        Ok(shown) => shown.map_err(|error| error.to_string()),
        Err(stopped) => Err(stopped.to_string()),
    }
}

/// Desktops read some HTML in a body; none is meant.
fn without_markup(body: &str) -> String {
    body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_and_nothing_else() {
        assert_eq!(without_markup("<img src=x> & more"), "&lt;img src=x&gt; &amp; more");
    }
}
