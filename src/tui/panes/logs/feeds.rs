//! Whose logs are followed: the selected tenant's, or those of several that were marked. A stream for each; a new
//! connection repeats its last lines, and the log keeps none of them twice. Must not know how lines are looked at.

use super::State;
use crate::model::{LogEntry, Tenant, TenantId, TenantState};
use crate::tui::app::Shared;
use crate::tui::backend::Live;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::log::{CAP, Log, SourceId, Times, View};
use crate::tui::panes::feed::Feed;

use crate::settings::Timestamps;

/// Tenants whose logs are followed together at most: each is a connection, and more names than that nobody tells apart.
pub const TOGETHER: usize = 8;
/// Bytes of a megabyte as the configuration counts them.
const MEGABYTE: usize = 1 << 20;

/// One tenant's log.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Whose.
    pub id: TenantId,
    /// Its lines in the log.
    source: SourceId,
    /// How the stream is doing.
    pub feed: Feed,
    /// The tenant as it was when the stream ended: another state is a reason to open it again.
    ended: Option<Seen>,
}

/// What of a tenant says that it may have another machine: its state, and when it was deployed.
type Seen = (TenantState, Option<String>);

fn seen(shared: &Shared, id: &TenantId) -> Option<Seen> {
    shared.tenants.get(id).map(|tenant| (tenant.state(), tenant.deployed_at.clone()))
}

impl State {
    /// Begins anew with these tenants; how the log is looked at stays.
    pub(super) fn begin(&mut self, shared: &mut Shared, tenants: Vec<TenantId>) -> Vec<Effect> {
        let old: Vec<_> = self.streams.drain(..).collect();
        let mut effects: Vec<Effect> =
            old.into_iter().filter_map(|stream| shared.stop(Slot::LogFeed(stream.id))).collect();
        let name = |id: &TenantId| shared.tenants.get(id).map_or_else(|| id.to_string(), |tenant| tenant.name.clone());
        let cap = shared.options.log_megabytes.and_then(|mb| usize::try_from(mb).ok());
        let cap = cap.map_or(CAP, |megabytes| megabytes.saturating_mul(MEGABYTE));
        let mut log = Log::new(cap, &tenants.first().map(name).unwrap_or_default());
        for (place, id) in tenants.into_iter().enumerate() {
            let source = if place == 0 { SourceId::FIRST } else { log.add_source(&name(&id)) };
            self.streams.push(Stream { id, source, feed: Feed::Off, ended: None });
        }
        let mut filter = self.log.filter().clone();
        filter.since = self.since.begin(shared.now.wall);
        log.set_filter(filter);
        log.set_search(self.log.search().cloned());
        self.log = log;
        self.view = View {
            wrap: self.view.wrap,
            times: self.times.unwrap_or_else(|| configured(shared)),
            zone: shared.zone.clone(),
            names: self.merged,
            ..View::default()
        };
        (self.paused, self.step, self.saving) = (None, None, None);
        effects.extend(self.follow_state(shared));
        effects
    }

    /// Opens the logs again that are not open: after a deploy there is a new machine.
    pub fn reopen(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.open(shared, |_, stream| !matches!(stream.feed, Feed::Live | Feed::Connecting))
    }

    /// Opens what the state of the followed tenants asks for; called after every message.
    pub fn follow_state(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.open(shared, |shared, stream| match stream.feed {
            Feed::Off => true,
            // Whoever is followed beside others has no events here that would say so.
            Feed::Ended | Feed::Failed(_) => stream.ended.is_some() && stream.ended != seen(shared, &stream.id),
            Feed::Live | Feed::Connecting | Feed::Interrupted { .. } => false,
        })
    }

    fn open(&mut self, shared: &mut Shared, wanted: fn(&Shared, &Stream) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        for stream in &mut self.streams {
            if wanted(shared, stream) && can_log(shared, &stream.id) {
                (stream.feed, stream.ended) = (Feed::Connecting, None);
                self.log.expect_replay(stream.source);
                effects.push(shared.start(Slot::LogFeed(stream.id.clone()), Request::FollowLogs(stream.id.clone())));
            }
        }
        effects
    }

    /// Takes what a tenant's stream says.
    pub(super) fn hear(&mut self, shared: &mut Shared, id: &TenantId, news: Vec<Live<LogEntry>>) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == *id) else { return };
        for live in news {
            match &live {
                Live::Failed(_) | Live::Ended => {
                    shared.jobs.end(&Slot::LogFeed(id.clone()));
                    stream.ended = seen(shared, id);
                }
                Live::Connected => self.log.expect_replay(stream.source),
                Live::Interrupted { .. } | Live::Item(_) => {}
            }
            if let Some(entry) = stream.feed.note(live) {
                self.log.add(stream.source, &entry);
            }
        }
        // Behind another page nothing is drawn for it.
        shared.dirty |= !self.unseen;
    }

    /// The stream that most needs to be told about.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        self.worst().map_or(&Feed::Off, |stream| &stream.feed)
    }

    /// See [`State::feed`].
    pub(super) fn worst(&self) -> Option<&Stream> {
        let weight = |stream: &&Stream| match stream.feed {
            Feed::Failed(_) => 5,
            Feed::Interrupted { .. } => 4,
            Feed::Connecting => 3,
            Feed::Live => 2,
            Feed::Ended => 1,
            Feed::Off => 0,
        };
        // Of equal ones the first.
        self.streams.iter().rev().max_by_key(weight)
    }

    /// What a stream's tenant is called.
    pub(super) fn name_of(&self, stream: &Stream) -> &str {
        self.log.name(stream.source)
    }

    /// The tenants that are shown together.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.streams.iter().map(|stream| self.name_of(stream)).collect();
        match names.as_slice() {
            [one, two, more @ ..] if !more.is_empty() => format!("{one}, {two} and {} more", more.len()),
            names => names.join(" and "),
        }
    }

    /// The tenants of these lines, in one word: whoever comes back later knows whether it is still about them.
    pub(super) fn about(&self) -> String {
        self.streams.iter().map(|stream| stream.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// True where several tenants are shown together.
    #[must_use]
    pub fn is_merged(&self) -> bool {
        self.merged
    }

    /// Shows the marked tenants together, or the selected one alone again.
    pub(super) fn merge(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.merged = !self.merged;
        if !self.merged {
            let followed = shared.followed.clone().into_iter().collect();
            return self.begin(shared, followed);
        }
        let mut tenants = marked(shared);
        let count = tenants.len();
        if count > TOGETHER {
            tenants.truncate(TOGETHER);
            shared.warn(format!("The first {TOGETHER} of {count} marked tenants: no more are followed together."));
        }
        self.begin(shared, tenants)
    }
}

/// The marked tenants of the cloud, in the order of the list.
#[must_use]
pub fn marked(shared: &Shared) -> Vec<TenantId> {
    if shared.tenants.marked().is_empty() {
        return Vec::new();
    }
    let targets = shared.tenants.targets().into_iter().filter(|tenant| !tenant.is_local());
    targets.map(|tenant| tenant.id.clone()).collect()
}

/// How times are shown where nobody has chosen.
#[must_use]
pub fn configured(shared: &Shared) -> Times {
    match shared.options.timestamps {
        Timestamps::Local => Times::Local,
        Timestamps::Utc => Times::Utc,
        Timestamps::Off => Times::Off,
    }
}

/// True where the tenant has a machine that can log.
fn can_log(shared: &Shared, id: &TenantId) -> bool {
    // Nearly always it is the selected one, and the list is long.
    let tenant = shared.selected().filter(|tenant| tenant.id == *id).or_else(|| shared.tenants.get(id));
    tenant.is_some_and(|tenant: &Tenant| match tenant.state() {
        TenantState::Running | TenantState::Restarting | TenantState::Unknown => true,
        TenantState::Failed => tenant.phase.as_deref() != Some("failed_infra"),
        // An update has an old machine that still logs; a first deploy has none yet.
        TenantState::Deploying => tenant.deployed_at.is_some(),
        TenantState::Provisioning
        | TenantState::ToDeploy
        | TenantState::Suspended
        | TenantState::Deleting
        | TenantState::Local(_) => false,
    })
}
