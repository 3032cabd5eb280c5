//! The keyring of Linux desktops: the Secret Service of freedesktop.org, over the session bus (GNOME Keyring, `KWallet`,
//! `KeePassXC`). Written against the bus itself, because the bus is here already for notices, and because a call that can
//! be dropped needs no thread that blocks.
//!
//! The session is a plain one: what goes over the bus can be listened to by programs of the same user alone, and those
//! may ask the keyring themselves.

use futures_util::StreamExt;
use std::collections::HashMap;
use std::time::Duration;
use zbus::{Connection, DynamicType, Message, OwnedObjectPath, OwnedVariant, Proxy, Variant};

use super::{Key, KeyringError};
use crate::model::{Secret, text};

/// Items of one login that are removed at most; a service that always has one more is broken.
const MOST_ITEMS: usize = 8;

const BUS: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
/// What stands where no object is meant.
const NOTHING: &str = "/";
/// How all items of this program are found.
const APPLICATION: &str = "dev.tenantry.login";

/// How long a call may take that asks nobody.
const CALL: Duration = Duration::from_secs(5);
/// How long a person may take to unlock the keyring.
const PERSON: Duration = Duration::from_secs(30);
/// The most of the other side's words that is kept, characters.
const WORDS: usize = 160;

/// A secret as the bus has it: the session, nothing, the value, its kind.
type Wire = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

pub(super) async fn ready() -> Result<(), KeyringError> {
    let service = Service::open().await?;
    let collection = service.collection().await?;
    service.unlock(&collection).await
}

pub(super) async fn read(key: &Key) -> Result<Option<Secret>, KeyringError> {
    let service = Service::open().await?;
    let Some(item) = service.find(key).await? else { return Ok(None) };
    let answer = service.call(item.as_str(), ITEM, "GetSecret", &(&service.session,)).await?;
    let (_, _, value, _): Wire = body(&answer)?;
    let value = String::from_utf8(value).map_err(|_| KeyringError::Failed("what it holds is no text".to_owned()))?;
    Ok(Some(Secret::new(value)))
}

pub(super) async fn write(key: &Key, token: &Secret) -> Result<(), KeyringError> {
    let service = Service::open().await?;
    let collection = service.collection().await?;
    service.unlock(&collection).await?;
    let label = match &key.context {
        Some(context) => format!("tenantry login: {context} at {}", key.api),
        None => format!("tenantry login: {}", key.api),
    };
    let properties: HashMap<&str, Variant<'_>> = HashMap::from([
        ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
        ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes(key))),
    ]);
    let value = token.reveal().as_bytes().to_vec();
    let secret = (&service.session, Vec::<u8>::new(), value, "text/plain; charset=utf8");
    let answer = service.call(collection.as_str(), COLLECTION, "CreateItem", &(properties, secret, true)).await?;
    let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = body(&answer)?;
    service.answer(&prompt).await
}

pub(super) async fn remove(key: &Key) -> Result<bool, KeyringError> {
    let service = Service::open().await?;
    let mut was_there = false;
    // More than one can only come from somebody else's hand; none may stay.
    for _ in 0..MOST_ITEMS {
        let Some(item) = service.find(key).await? else { return Ok(was_there) };
        let answer = service.call(item.as_str(), ITEM, "Delete", &()).await?;
        let prompt: OwnedObjectPath = body(&answer)?;
        service.answer(&prompt).await?;
        was_there = true;
    }
    Err(KeyringError::Failed("it says that the item is deleted, and still has it".to_owned()))
}

fn attributes(key: &Key) -> HashMap<String, String> {
    HashMap::from([
        ("application".to_owned(), APPLICATION.to_owned()),
        ("api".to_owned(), key.api.clone()),
        // Always there: a search finds what has at least its attributes.
        ("context".to_owned(), key.context.clone().unwrap_or_default()),
    ])
}

/// A session with the service.
struct Service {
    connection: Connection,
    session: OwnedObjectPath,
}

impl Service {
    async fn open() -> Result<Self, KeyringError> {
        let absent = |error: zbus::Error| KeyringError::Absent(text::short(&error.to_string(), WORDS));
        let work = async {
            let connection = Connection::session().await.map_err(absent)?;
            let asked = &("plain", Variant::from(""));
            let answer = connection.call_method(Some(BUS), PATH, Some(SERVICE), "OpenSession", asked);
            let (_, session): (OwnedVariant, OwnedObjectPath) = body(&answer.await.map_err(absent)?)?;
            Ok(Self { connection, session })
        };
        within(CALL, work).await
    }

    async fn call<B: serde::Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &'static str,
        method: &'static str,
        body: &B,
    ) -> Result<Message, KeyringError> {
        let work = async {
            let called = self.connection.call_method(Some(BUS), path, Some(interface), method, body).await;
            called.map_err(|error| failed(&error))
        };
        within(CALL, work).await
    }

    /// Where new items go.
    async fn collection(&self) -> Result<OwnedObjectPath, KeyringError> {
        let answer = self.call(PATH, SERVICE, "ReadAlias", &("default",)).await?;
        let collection: OwnedObjectPath = body(&answer)?;
        if collection.as_str() == NOTHING {
            return Err(KeyringError::Absent("it has no default collection".to_owned()));
        }
        Ok(collection)
    }

    /// The item of this key, unlocked.
    async fn find(&self, key: &Key) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let answer = self.call(PATH, SERVICE, "SearchItems", &(attributes(key),)).await?;
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = body(&answer)?;
        if let Some(item) = open.into_iter().next() {
            return Ok(Some(item));
        }
        let Some(item) = locked.into_iter().next() else { return Ok(None) };
        self.unlock(&item).await?;
        Ok(Some(item))
    }

    /// Unlocks an item or a collection; nothing is asked where it is open.
    async fn unlock(&self, object: &OwnedObjectPath) -> Result<(), KeyringError> {
        let answer = self.call(PATH, SERVICE, "Unlock", &(vec![object],)).await?;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = body(&answer)?;
        self.answer(&prompt).await
    }

    /// Lets the person answer what the service asks, where it asks anything.
    async fn answer(&self, prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
        if prompt.as_str() == NOTHING {
            return Ok(());
        }
        let asking = async {
            let proxy =
                Proxy::new(&self.connection, BUS, prompt.as_str(), PROMPT).await.map_err(|error| failed(&error))?;
            let mut completed = proxy.receive_signal("Completed").await.map_err(|error| failed(&error))?;
            proxy.call_method("Prompt", &("",)).await.map_err(|error| failed(&error))?;
            let said = completed.next().await.ok_or_else(|| KeyringError::Failed("it went away".to_owned()))?;
            let (dismissed, _): (bool, OwnedVariant) = body(&said)?;
            if dismissed { Err(KeyringError::Locked) } else { Ok(()) }
        };
        let answered = within(PERSON, asking).await;
        if answered.is_err() {
            // Nobody waits for it any more. It may be gone already.
            let _ = self.call(prompt.as_str(), PROMPT, "Dismiss", &()).await;
        }
        answered
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, KeyringError>>) -> Result<T, KeyringError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(KeyringError::TimedOut))
}

fn failed(error: &zbus::Error) -> KeyringError {
    if let zbus::Error::MethodError(name, ..) = error
        && name.as_str() == "org.freedesktop.Secret.Error.IsLocked"
    {
        return KeyringError::Locked;
    }
    KeyringError::Failed(text::short(&error.to_string(), WORDS))
}

fn body<T: serde::de::DeserializeOwned + zbus::Type>(message: &Message) -> Result<T, KeyringError> {
    // The library's words may quote what it could not read, and that may be the token.
    message.body().deserialize().map_err(|_| KeyringError::Failed("its answer cannot be read".to_owned()))
}
