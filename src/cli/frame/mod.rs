//! What every command has in common: in which context it works and which tenant it is about, how its answer is given, what
//! it may ask, and how it ends. `docs/commands.md` says the same for people.
//!
//! Must not know any command.

pub(super) mod ask;
pub(super) mod beside;
mod common;
mod consent;
mod failure;
mod output;
mod paint;
mod place;
mod stream;
mod table;
pub(super) mod value;

pub(super) use common::{Nowhere, Unasked};
pub(super) use consent::{Consent, Unlock, may_change_here, unchanged};
pub(super) use failure::{Failure, until_stopped};
pub(super) use output::{Output, line_of_json, print, print_json};
pub(super) use paint::{Paint, code, tone_of_state};
pub(super) use place::{Named, OfProfile, Place, Whom, project, project_or_folder};
pub(super) use stream::Stream;
pub(super) use table::{cell, fields, table, toned};
