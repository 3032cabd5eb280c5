//! Values that came from the server once: kept for a few minutes, shown one at a time and for a moment, and forgotten when
//! the pane or the tenant is left. Must not know how they look.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{OneTimeCredentials, Secret, TenantId, database_url};
use crate::ops::rotate::Rotated;
use crate::ops::stored::Stored;

/// How long a value is shown before it is hidden by itself.
pub const SHOWN: Duration = Duration::from_secs(30);
/// How long values are kept.
pub const KEPT: Duration = Duration::from_mins(5);

/// A value and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// In words.
    pub label: &'static str,
    /// The value itself.
    pub secret: Secret,
}

impl Value {
    /// As it may always be seen: an address without its password, else dots of no meaning.
    #[must_use]
    pub fn masked(&self) -> String {
        if self.secret.reveal().contains("://") { database_url::masked(&self.secret) } else { "••••••••".to_owned() }
    }
}

/// The values of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// In the order in which they are shown.
    pub values: Vec<Value>,
    /// Where else they are.
    pub stored: Stored,
    /// When they are forgotten, since the start of the program.
    pub until: Duration,
    /// The one that is shown in clear, and until when.
    shown: Option<(usize, Duration)>,
}

impl Held {
    /// The place of the value that is shown in clear.
    #[must_use]
    pub fn shown(&self) -> Option<usize> {
        self.shown.map(|(place, _)| place)
    }
}

/// The values of every tenant that has some.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    of: BTreeMap<TenantId, Held>,
}

impl Values {
    /// Those of a tenant.
    #[must_use]
    pub fn of(&self, id: &TenantId) -> Option<&Held> {
        self.of.get(id)
    }

    /// New ones; those before are invalid or the same.
    pub fn take(&mut self, id: TenantId, values: Vec<Value>, stored: Stored, now: Duration) {
        if values.is_empty() {
            self.of.remove(&id);
        } else {
            self.of.insert(id, Held { values, stored, until: now + KEPT, shown: None });
        }
    }

    /// Shows a value in clear, or hides the one that is shown.
    pub fn toggle(&mut self, id: &TenantId, place: usize, now: Duration) {
        if let Some(held) = self.of.get_mut(id) {
            let is_shown = held.shown() == Some(place);
            held.shown = (!is_shown && place < held.values.len()).then_some((place, now + SHOWN));
        }
    }

    /// Hides whatever is shown; true where something was.
    pub fn hide(&mut self) -> bool {
        let mut any = false;
        for held in self.of.values_mut() {
            any |= held.shown.take().is_some();
        }
        any
    }

    /// Nobody looks at them any more. Those that are stored nowhere else stay until their time is over, hidden: they
    /// would be lost.
    pub fn leave(&mut self) -> bool {
        let before = self.of.len();
        let hid = self.hide();
        self.of.retain(|_, held| matches!(held.stored, Stored::Nowhere(_)));
        hid || self.of.len() != before
    }

    /// Hides and forgets what is due; true where something was.
    pub fn expire(&mut self, now: Duration) -> bool {
        let before = self.of.len();
        self.of.retain(|_, held| now < held.until);
        let mut changed = self.of.len() != before;
        for held in self.of.values_mut() {
            changed |= held.shown.take_if(|(_, until)| *until <= now).is_some();
        }
        changed
    }

    /// When the next of that is due.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.of.values().flat_map(|held| [Some(held.until), held.shown.map(|(_, until)| until)]).flatten().min()
    }

    /// These tenants are gone.
    pub fn forget(&mut self, gone: &dyn Fn(&TenantId) -> bool) {
        self.of.retain(|id, _| !gone(id));
    }
}

fn listed<'a>(values: impl IntoIterator<Item = (&'static str, Option<&'a Secret>)>) -> Vec<Value> {
    let value = |(label, secret): (_, Option<&Secret>)| Some(Value { label, secret: secret?.clone() });
    values.into_iter().filter_map(value).collect()
}

/// What a rotation brought.
#[must_use]
pub fn of_rotation(rotated: &Rotated) -> Vec<Value> {
    listed([("address", Some(&rotated.database_url)), ("outside", rotated.external_database_url.as_ref())])
}

/// What could be read once.
#[must_use]
pub fn of_once(credentials: &OneTimeCredentials) -> Vec<Value> {
    listed([
        ("address", credentials.inside()),
        ("JWT secret", credentials.jwt_secret.as_ref()),
        ("Anthropic", credentials.anthropic_api_key.as_ref()),
        ("OpenAI", credentials.openai_api_key.as_ref()),
        ("Gemini", credentials.gemini_api_key.as_ref()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problem;
    use crate::tui::testing::tenant_id;
    use proptest::prelude::*;

    fn kept() -> Stored {
        Stored::Kept { path: "/tmp/x".to_owned(), why: None }
    }

    fn two() -> Vec<Value> {
        listed([("address", Some(&Secret::new("hunter2"))), ("JWT secret", Some(&Secret::new("hunter3")))])
    }

    #[derive(Debug, Clone)]
    enum Step {
        Take(u8, bool),
        Toggle(u8, usize),
        Hide,
        Leave,
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0u8..3, any::<bool>()).prop_map(|(id, stored)| Step::Take(id, stored)),
            (0u8..3, 0usize..4).prop_map(|(id, place)| Step::Toggle(id, place)),
            Just(Step::Hide),
            Just(Step::Leave),
            (0u64..200).prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        /// Nothing is shown longer than its time, nothing is kept longer than its time, and what is due is announced.
        #[test]
        fn nothing_outlives_its_time(steps in steps()) {
            let mut values = Values::default();
            let mut now = Duration::ZERO;
            for step in steps {
                match step {
                    Step::Take(id, true) => values.take(tenant_id(id), two(), kept(), now),
                    Step::Take(id, false) => {
                        values.take(tenant_id(id), two(), Stored::Nowhere(Problem::new("full")), now);
                    }
                    Step::Toggle(id, place) => values.toggle(&tenant_id(id), place, now),
                    Step::Hide => {
                        values.hide();
                    }
                    Step::Leave => {
                        values.leave();
                        prop_assert!(values.of.values().all(|held| matches!(held.stored, Stored::Nowhere(_))));
                    }
                    Step::Wait(seconds) => {
                        let until = now + Duration::from_secs(seconds);
                        // As the loop does: awake at everything that is due on the way.
                        while let Some(due) = values.due().filter(|due| *due <= until) {
                            prop_assert!(values.expire(due), "woken for nothing at {due:?}");
                        }
                        now = until;
                    }
                }
                for held in values.of.values() {
                    prop_assert!(now < held.until && held.until <= now + KEPT);
                    if let Some((place, until)) = held.shown {
                        prop_assert!(place < held.values.len() && now < until && until <= now + SHOWN);
                    }
                }
                let told = format!("{values:?}");
                prop_assert!(!told.contains("hunter"));
            }
        }
    }

    #[test]
    fn a_mask_says_nothing_of_the_length() {
        let [short, long] =
            ["x", "xxxxxxxxxxxxxxxxxxxxxxxx"].map(|text| Value { label: "", secret: Secret::new(text) });
        assert_eq!(short.masked(), long.masked());
        let address = Value { label: "", secret: Secret::new("postgres://t:h8T@h/d") };
        assert_eq!(address.masked(), "postgres://t:****@h/d");
    }
}
