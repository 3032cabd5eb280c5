//! What a browser that comes back says (protocol D.1): is it our own sign-in, and how did it end? Works on text alone; must
//! not know sockets or pages.

use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use crate::model::{Problem, Secret, text};

/// Where the browser comes back to; the word that it has to bring along follows.
const PREFIX: &str = "/callback/";
/// The longest token, bytes: what is longer does not fit into a header.
const LONGEST: usize = 16 * 1024;
/// The most of the server's words that is shown, characters.
const WORDS: usize = 300;

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callback {
    /// A page that is nobody's callback: a browser's own curiosity.
    Elsewhere,
    /// A callback that does not bring our word along: of another sign-in, or of a page that wants to be taken for one.
    Foreign,
    /// Our own sign-in has ended.
    Ours(Result<Secret, Problem>),
}

/// The path that the browser has to come back to for `state`.
#[must_use]
pub fn path(state: &str) -> String {
    format!("{PREFIX}{state}")
}

/// Understands path and query of a request, as they came over the wire.
#[must_use]
pub fn read(path: &str, query: Option<&str>, state: &str) -> Callback {
    let Some(word) = path.strip_prefix(PREFIX) else {
        // `/callback` without a word is how others do it.
        return if path.trim_end_matches('/') == PREFIX.trim_end_matches('/') {
            Callback::Foreign
        } else {
            Callback::Elsewhere
        };
    };
    if state.is_empty() || !bool::from(word.as_bytes().ct_eq(state.as_bytes())) {
        return Callback::Foreign;
    }
    Callback::Ours(outcome(query.unwrap_or_default()))
}

fn outcome(query: &str) -> Result<Secret, Problem> {
    let mut error = None;
    let mut description = None;
    let mut tokens = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "error" => error = error.or(Some(value.into_owned())),
            "error_description" => description = description.or(Some(value.into_owned())),
            // The older name of the same.
            "access_token" | "token" => tokens.push(Secret::new(value)),
            _ => {}
        }
    }
    if let Some(code) = error {
        return Err(refused(&code, description.as_deref()));
    }
    let unusable = |why: &str| Problem::new("The sign-in brought no usable token.").detail(why).hint("Log in again.");
    match tokens.as_slice() {
        [] => Err(unusable("The browser came back with neither a token nor a reason.")),
        [token] if is_token(token.reveal()) => Ok(token.clone()),
        [_] => Err(unusable("What came back is no token.")),
        _ => Err(unusable("The browser came back with more than one.")),
    }
}

/// One word of printable characters.
#[must_use]
pub fn is_token(raw: &str) -> bool {
    !raw.is_empty() && raw.len() <= LONGEST && raw.bytes().all(|byte| byte.is_ascii_graphic())
}

fn refused(code: &str, description: Option<&str>) -> Problem {
    let words = |raw: &str| text::short(raw.trim(), WORDS);
    let said = description.map(words).filter(|said| !said.is_empty()).unwrap_or_else(|| words(code));
    match code {
        "access_denied" => {
            Problem::new("The sign-in was refused.").detail(said).hint("Log in again, or as somebody else.")
        }
        "temporarily_unavailable" => {
            Problem::new("The sign-in did not work.").detail(said).hint("Try again in a moment.")
        }
        _ => Problem::new("The sign-in did not work.").detail(said).hint("Log in again, or with the other provider."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATE: &str = "q7Wd0-Zk_3";

    fn ours(query: &str) -> Result<String, String> {
        match read(&path(STATE), Some(query), STATE) {
            Callback::Ours(result) => result.map(|token| token.reveal().to_owned()).map_err(|p| p.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_row_of_the_callback_table() {
        for (query, token) in
            [("access_token=eyJ.a.b", "eyJ.a.b"), ("token=eyJ.a.b", "eyJ.a.b"), ("x=y&access_token=a%2Bb%3D&z", "a+b=")]
        {
            assert_eq!(ours(query).as_deref(), Ok(token), "{query}");
        }
        for (query, words) in [
            ("", "neither a token"),
            ("access_token=", "no token"),
            ("access_token=a+b", "no token"),
            ("access_token=a%0Ab", "no token"),
            ("access_token=%C3%A4", "no token"),
            ("access_token=a&access_token=b", "more than one"),
            ("access_token=a&token=a", "more than one"),
            ("error=access_denied", "access_denied"),
            ("error=access_denied&error_description=The+sign-in+was+denied.", "The sign-in was denied."),
            // A reason outweighs a token that somebody put beside it.
            ("access_token=hunter2&error=server_error", "server_error"),
            ("error=temporarily_unavailable&error_description=", "temporarily_unavailable"),
        ] {
            let told = ours(query).expect_err(query);
            assert!(told.contains(words) && !told.contains("hunter2"), "{query}: {told}");
        }
        let long = format!("access_token={}", "x".repeat(LONGEST + 1));
        assert!(ours(&long).is_err());
    }

    #[test]
    fn only_our_own_word_counts() {
        for (path, expected) in [
            ("/callback", Callback::Foreign),
            ("/callback/", Callback::Foreign),
            ("/callback/q7Wd0-Zk_", Callback::Foreign),
            ("/callback/q7Wd0-Zk_3x", Callback::Foreign),
            ("/callback/q7Wd0-Zk_3/", Callback::Foreign),
            ("/callback/Q7WD0-ZK_3", Callback::Foreign),
            ("/callback/%717Wd0-Zk_3", Callback::Foreign),
            ("/", Callback::Elsewhere),
            ("/favicon.ico", Callback::Elsewhere),
            ("/Callback/q7Wd0-Zk_3", Callback::Elsewhere),
        ] {
            assert_eq!(read(path, Some("access_token=hunter2"), STATE), expected, "{path}");
        }
        assert_eq!(read("/callback/", Some("access_token=hunter2"), ""), Callback::Foreign);
        let shown = format!("{:?}", read(&path(STATE), Some("access_token=hunter2"), STATE));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    proptest! {
        #[test]
        fn nothing_gets_in_without_the_word(path in "[ -~]{0,40}", query in "[ -~]{0,80}") {
            prop_assume!(path != super::path(STATE));
            prop_assert!(!matches!(read(&path, Some(&query), STATE), Callback::Ours(_)));
        }

        #[test]
        fn whatever_is_said_is_harmless_and_a_token_is_one_word(query in "\\PC{0,120}|[ -~%]{0,120}|(error|token|access_token)=[\\x00-\\x7f]{0,60}") {
            match read(&path(STATE), Some(&query), STATE) {
                Callback::Ours(Ok(token)) => prop_assert!(is_token(token.reveal())),
                Callback::Ours(Err(problem)) => {
                    let told = problem.to_string();
                    prop_assert!(told.chars().all(|c| !c.is_control()), "{told:?}");
                    prop_assert!(told.chars().count() < WORDS + 200);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn every_token_comes_back_as_it_was_sent(token in "[!-~]{1,200}") {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("access_token", &token).finish();
            prop_assert_eq!(ours(&query), Ok(token));
        }
    }
}
