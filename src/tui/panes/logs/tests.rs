//! Pictures of the logs pane, and what its keys do.
