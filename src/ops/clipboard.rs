//! The clipboard of the desktop, and the buffer of tmux, which passes it on to the terminal around it. The way
//! through the terminal itself is not here: it needs the screen.

use std::process::Stdio;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::model::{Digest, Hasher, Secret};

/// How long a desktop may take to answer.
const LIMIT: Duration = Duration::from_secs(2);
/// The buffer of tmux that is ours: the person's own ones stay.
const BUFFER: &str = "tenantry";

/// Knows a text again without keeping it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mark(Digest);

impl Mark {
    /// The mark of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Hasher::digest(text.as_bytes()))
    }
}

impl std::fmt::Debug for Mark {
    /// A digest of something short can be guessed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mark(••••)")
    }
}

/// What was found in the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// What was put there; it is gone now.
    Ours,
    /// Something else, which stays.
    Other,
}

/// The clipboard of a desktop.
#[derive(Clone)]
pub struct Desktop {
    /// Kept: on X11 whoever copied something must be there to hand it out.
    open: Arc<Mutex<Option<arboard::Clipboard>>>,
}

impl Default for Desktop {
    fn default() -> Self {
        Self::new()
    }
}

impl Desktop {
    /// Asks nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { open: Arc::default() }
    }

    /// Puts `text` there; where it is a secret, those who keep a history are asked not to. The error is the desktop's words.
    pub async fn put(&self, text: Secret, is_secret: bool) -> Result<(), String> {
        self.with(move |clipboard| {
            let set = clipboard.set();
            let set = if is_secret { secretly(set) } else { set };
            set.text(text.reveal())
        })
        .await
    }

    /// Empties it where it still holds what `mark` marks.
    pub async fn clear(&self, mark: Mark) -> Result<Found, String> {
        self.with(move |clipboard| {
            let ours = match clipboard.get_text() {
                Ok(text) => Mark::of(Secret::new(text).reveal()) == mark,
                Err(arboard::Error::ContentNotAvailable) => false,
                Err(error) => return Err(error),
            };
            if !ours {
                return Ok(Found::Other);
            }
            clipboard.clear().map(|()| Found::Ours)
        })
        .await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut arboard::Clipboard) -> Result<T, arboard::Error> + Send + 'static,
    ) -> Result<T, String> {
        let open = Arc::clone(&self.open);
        let asked = tokio::task::spawn_blocking(move || {
            let mut open = match open.try_lock() {
                Ok(open) => open,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // The last question is still not answered, and a second one would not be either.
                Err(TryLockError::WouldBlock) => return Err("the desktop does not answer".to_owned()),
            };
            let mut clipboard = match open.take() {
                Some(clipboard) => clipboard,
                None => arboard::Clipboard::new().map_err(|error| error.to_string())?,
            };
            // After an error a new connection is made: the desktop may have been started anew.
            let done = work(&mut clipboard).map_err(|error| error.to_string())?;
            *open = Some(clipboard);
            Ok(done)
        });
        match tokio::time::timeout(LIMIT, asked).await {
            Ok(Ok(result)) => result,
            Ok(Err(stopped)) => Err(stopped.to_string()),
            Err(_) => Err("the desktop does not answer".to_owned()),
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn secretly(set: arboard::Set<'_>) -> arboard::Set<'_> {
    arboard::SetExtLinux::exclude_from_history(set)
}

#[cfg(target_os = "macos")]
fn secretly(set: arboard::Set<'_>) -> arboard::Set<'_> {
    arboard::SetExtApple::exclude_from_history(set)
}

/// Puts `text` into a buffer of tmux and asks it to tell the terminal around it, which it does in its usual
/// configuration, in which it takes no such word from programs. The error is tmux's words.
pub async fn put_in_tmux(text: &Secret) -> Result<(), String> {
    tmux(&["load-buffer", "-w", "-b", BUFFER, "-"], text.reveal().as_bytes()).await
}

/// Removes that buffer, and with `around` what the terminal around it has of it.
pub async fn clear_tmux(around: bool) -> Result<(), String> {
    if around {
        // It does not pass on nothing at all.
        tmux(&["load-buffer", "-w", "-b", BUFFER, "-"], b" ").await?;
    }
    tmux(&["delete-buffer", "-b", BUFFER], &[]).await
}

async fn tmux(arguments: &[&str], input: &[u8]) -> Result<(), String> {
    let mut command = Command::new("tmux");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let run = async {
        let mut child = command.spawn()?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(input).await?;
        }
        child.wait_with_output().await
    };
    match tokio::time::timeout(LIMIT, run).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("tmux does not answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_knows_its_text_and_does_not_show_it() {
        assert_eq!(Mark::of("hunter2"), Mark::of("hunter2"));
        assert_ne!(Mark::of("hunter2"), Mark::of("hunter3"));
        assert_eq!(format!("{:?}", Mark::of("hunter2")), "Mark(••••)");
    }
}
