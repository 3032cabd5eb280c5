//! Containers that start or end, told as it happens.

use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::stream::{BoxStream, StreamExt as _};

use super::{ContainerError, label_filter};
use crate::engine::Engine;

/// Ids of containers. After an error it ends. Dropping it closes the connection.
pub type ChangeStream = BoxStream<'static, Result<String, ContainerError>>;

impl Engine {
    /// The containers with every one of these labels that start or end from now on, also before the stream is
    /// first polled.
    #[must_use]
    pub fn container_changes(&self, labels: &[(&str, &str)]) -> ChangeStream {
        let mut filters = label_filter(labels);
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        filters.insert("event".to_owned(), vec!["start".to_owned(), "die".to_owned()]);
        let now = jiff::Timestamp::now().as_second().to_string();
        let events = self.docker.events(Some(EventsOptionsBuilder::new().since(&now).filters(&filters).build()));
        let changes = events.filter_map(|event| async {
            match event {
                Ok(event) => event.actor.and_then(|actor| actor.id).map(Ok),
                Err(error) => Some(Err(ContainerError::new("watching the containers", &error))),
            }
        });
        changes.boxed()
    }
}
