//! Floor 2: what the user sets, and apart from it what the program itself remembers of the screen.
//!
//! [`Config`] is the user's file: read, never written. [`ScreenState`] is the program's own: selections, columns, recent
//! commands; losing it costs nobody anything. Nothing in this room is async: callers that must not block hand its calls to
//! a blocking thread. It must not know the network, and not what a screen looks like: colours are names and numbers here,
//! keys are text.

mod colour;
mod config;
mod document;
mod error;
mod last_tenants;
mod load;
mod local;
mod mistake;
mod networking;
mod parse;
mod reference;
mod screen_state;
mod table;
mod template;
mod theme;
mod token;
mod ui;

pub use colour::{Colour, StyleSetting};
pub use config::{Config, Context, ContextKind, KeyBinding, Login};
pub use error::SettingsError;
pub use last_tenants::{LastTenants, Whose};
pub use load::{Loaded, VARIABLE, load, load_from, place};
pub use local::Local;
pub use mistake::Mistake;
pub use networking::Networking;
pub use parse::parse;
pub use reference::reference;
pub use screen_state::{ContextState, ScreenState, Sort};
pub use template::template;
pub use theme::{Base, Styles, UserTheme};
pub use ui::{Notify, ThemeName, Timestamps, Ui};
