//! The tenants that the screen knows: the list as it came, how it is sorted and filtered, which one is selected and which
//! are marked. What is shown is worked out when something changes, not when it is drawn, so that ten thousand rows cost
//! nothing while nothing happens. Must not know how it looks.

pub mod local;

use jiff::Timestamp;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::backend::TenantList;
use crate::model::{LocalStatus, Problem, Tenant, TenantId};
use crate::settings::LastTenants;

/// What the list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Column {
    /// As the server lists them.
    #[default]
    Listed,
    /// Name, without regard to capitals.
    Name,
    /// Status, by its word.
    Status,
    /// Region code.
    Region,
    /// The plan's name.
    Plan,
    /// Memory of the machine.
    Memory,
    /// The exact phase.
    Phase,
    /// The last deploy, the newest first.
    Deploy,
    /// The subscription's word.
    Subscription,
}

impl Column {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Listed,
        Self::Name,
        Self::Status,
        Self::Region,
        Self::Plan,
        Self::Memory,
        Self::Phase,
        Self::Deploy,
        Self::Subscription,
    ];

    /// The word for it, as the state file and the screen say it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Listed => "as listed",
            Self::Name => "name",
            Self::Status => "status",
            Self::Region => "region",
            Self::Plan => "plan",
            Self::Memory => "memory",
            Self::Phase => "phase",
            Self::Deploy => "deploy",
            Self::Subscription => "subscription",
        }
    }

    /// The column of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.word() == word)
    }

    fn compare(self, one: &Tenant, other: &Tenant) -> Ordering {
        let text = |of: fn(&Tenant) -> Option<&str>| of(one).unwrap_or("").cmp(of(other).unwrap_or(""));
        match self {
            Self::Listed => Ordering::Equal,
            Self::Name => one.name.to_lowercase().cmp(&other.name.to_lowercase()),
            Self::Status => one.state().word().cmp(other.state().word()),
            Self::Region => text(|tenant| tenant.region.as_deref()),
            Self::Plan => text(|tenant| tenant.plan.as_ref().map(|plan| plan.name.as_str())),
            Self::Memory => memory(one).cmp(&memory(other)),
            Self::Phase => text(|tenant| tenant.phase.as_deref()),
            // RFC 3339 in UTC sorts as text; the newest comes first.
            Self::Deploy => text(|tenant| tenant.deployed_at.as_deref()).reverse(),
            Self::Subscription => text(|tenant| tenant.subscription_status.as_deref()),
        }
    }
}

/// Memory of a tenant's machine, MB; 0 where nobody says.
#[must_use]
pub fn memory(tenant: &Tenant) -> u32 {
    tenant.memory_mb.or(tenant.plan.as_ref().map(|plan| plan.memory_mb)).unwrap_or(0)
}

/// By what and which way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub column: Column,
    /// The other way round.
    pub reversed: bool,
}

/// The list and everything about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tenants {
    list: Vec<Tenant>,
    /// The databases on this machine; they stand behind the cloud's tenants.
    local: Vec<Tenant>,
    /// How each of those is.
    statuses: Vec<LocalStatus>,
    rejected: Vec<String>,
    loaded: bool,
    /// The list is one of the last time, of this moment.
    recalled: Option<Timestamp>,
    problem: Option<Problem>,
    /// Places in `list` that are shown, in the order shown.
    shown: Vec<usize>,
    /// Place in `shown`.
    selected: usize,
    marked: BTreeSet<TenantId>,
    sort: Sort,
    filter: String,
    moving: bool,
    aged: bool,
    /// The tenant to select as soon as it is listed.
    pub wanted: Option<TenantId>,
}

impl Tenants {
    /// Takes a fresh list, and keeps the selection on the same tenant.
    pub fn take(&mut self, fresh: TenantList) {
        self.replace(fresh);
        self.loaded = true;
        self.recalled = None;
        self.problem = None;
    }

    /// Takes the list of the last time, to be shown until a fresh one is there.
    pub fn recall(&mut self, last: LastTenants) {
        self.replace(TenantList { tenants: last.tenants, rejected: Vec::new() });
        self.recalled = (!self.list.is_empty()).then_some(last.at);
    }

    /// Since when the list is what it was; `None` for a fresh one.
    #[must_use]
    pub fn recalled(&self) -> Option<Timestamp> {
        self.recalled
    }

    /// The cloud's tenants as the API said them, to be known again the next time; `None` where it did not answer.
    #[must_use]
    pub fn to_remember(&self) -> Option<Vec<Tenant>> {
        let cloud = self.list.iter().filter(|tenant| !tenant.is_local());
        self.loaded.then(|| cloud.cloned().collect())
    }

    fn replace(&mut self, fresh: TenantList) {
        let keep = self.selected().map(|tenant| tenant.id.clone());
        self.list = fresh.tenants;
        self.list.extend(self.local.iter().cloned());
        self.rejected = fresh.rejected;
        self.moving = self.list.iter().any(|tenant| tenant.state().is_moving());
        self.aged = self.list.iter().any(|tenant| tenant.deployed_at.is_some());
        let listed: BTreeSet<&TenantId> = self.list.iter().map(|tenant| &tenant.id).collect();
        self.marked.retain(|id| listed.contains(id));
        let wanted = self.wanted.take_if(|id| listed.contains(id));
        if let Some(id) = &wanted
            && !self.matches(id)
        {
            // What was just bought is not hidden by what was looked for before.
            self.filter.clear();
        }
        self.arrange(wanted.or(keep).as_ref());
    }

    /// Takes the rows of the databases on this machine.
    pub fn take_local(&mut self, local: Vec<Tenant>) {
        if self.local == local {
            return;
        }
        let keep = self.selected().map(|tenant| tenant.id.clone());
        self.list.retain(|tenant| !tenant.is_local());
        self.list.extend(local.iter().cloned());
        self.local = local;
        self.moving = self.list.iter().any(|tenant| tenant.state().is_moving());
        // What was just made is selected.
        let wanted = self.wanted.take_if(|id| self.local.iter().any(|tenant| tenant.id == *id));
        if let Some(id) = &wanted
            && !self.matches(id)
        {
            self.filter.clear();
        }
        let listed: BTreeSet<&TenantId> = self.list.iter().map(|tenant| &tenant.id).collect();
        self.marked.retain(|id| listed.contains(id));
        self.arrange(wanted.or(keep).as_ref());
    }

    /// The list could not be loaded; the old one stays.
    pub fn fail(&mut self, problem: Problem) {
        self.problem = Some(problem);
    }

    /// Every tenant, in the server's order.
    #[must_use]
    pub fn list(&self) -> &[Tenant] {
        &self.list
    }

    /// The tenant of an id.
    #[must_use]
    pub fn get(&self, id: &TenantId) -> Option<&Tenant> {
        self.list.iter().find(|tenant| tenant.id == *id)
    }

    /// Calls one otherwise, until the next list says what it is called.
    pub fn rename(&mut self, id: &TenantId, name: &str) {
        if let Some(tenant) = self.list.iter_mut().find(|tenant| tenant.id == *id) {
            name.clone_into(&mut tenant.name);
            self.rearrange();
        }
    }

    /// How many are shown.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shown.len()
    }

    /// The shown tenants from place `first` on.
    pub fn from(&self, first: usize) -> impl Iterator<Item = (usize, &Tenant)> {
        self.shown.iter().enumerate().skip(first).filter_map(|(place, index)| Some((place, self.list.get(*index)?)))
    }

    /// What could not be read of the list.
    #[must_use]
    pub fn rejected(&self) -> &[String] {
        &self.rejected
    }

    /// The selected tenant.
    #[must_use]
    pub fn selected(&self) -> Option<&Tenant> {
        self.list.get(*self.shown.get(self.selected)?)
    }

    /// The selected place among those that are shown.
    #[must_use]
    pub fn place(&self) -> usize {
        self.selected
    }

    /// Moves the selection, and stops at the ends.
    pub fn step(&mut self, delta: i64) {
        self.leave_wanted();
        let last = i64::try_from(self.shown.len()).unwrap_or(i64::MAX).saturating_sub(1).max(0);
        let place = i64::try_from(self.selected).unwrap_or(0).saturating_add(delta).clamp(0, last);
        self.selected = usize::try_from(place).unwrap_or(0);
    }

    /// Selects a place among those that are shown; false where there is none.
    pub fn select_place(&mut self, place: usize) -> bool {
        let there = place < self.shown.len();
        if there {
            self.leave_wanted();
            self.selected = place;
        }
        there
    }

    /// Whoever selects one of the last time means that one: the fresh list must not select what was selected then.
    fn leave_wanted(&mut self) {
        if self.recalled.is_some() {
            self.wanted = None;
        }
    }

    /// Selects a tenant, also one that the filter hides; false where it is not listed.
    pub fn select(&mut self, id: &TenantId) -> bool {
        if self.get(id).is_none() {
            return false;
        }
        if !self.matches(id) {
            self.filter.clear();
        }
        self.arrange(Some(id));
        true
    }

    fn matches(&self, id: &TenantId) -> bool {
        let mut filter = Filter::new(&self.filter);
        self.get(id).is_some_and(|tenant| filter.score(tenant).is_some())
    }

    /// How the list is sorted.
    #[must_use]
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Sorts it another way; the selection stays on its tenant.
    pub fn sort_by(&mut self, sort: Sort) {
        self.sort = sort;
        self.rearrange();
    }

    /// What the list is filtered by; nothing shows everything.
    #[must_use]
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Filters it. While something is typed the best match is selected.
    pub fn filter_by(&mut self, filter: &str) {
        if self.filter == filter {
            return;
        }
        let best = !filter.is_empty();
        filter.clone_into(&mut self.filter);
        self.rearrange();
        if best {
            self.selected = 0;
        }
    }

    /// Marks the selected tenant, or takes its mark away.
    pub fn toggle_mark(&mut self) {
        let Some(id) = self.selected().map(|tenant| tenant.id.clone()) else { return };
        if !self.marked.remove(&id) {
            self.marked.insert(id);
        }
    }

    /// Marks everything that is shown, or takes all marks away where everything is marked.
    pub fn toggle_marks(&mut self) {
        let shown: Vec<_> = self.from(0).map(|(_, tenant)| tenant.id.clone()).collect();
        if shown.iter().all(|id| self.marked.contains(id)) {
            self.marked.clear();
        } else {
            self.marked.extend(shown);
        }
    }

    /// Takes all marks away.
    pub fn clear_marks(&mut self) {
        self.marked.clear();
    }

    /// The marked tenants.
    #[must_use]
    pub fn marked(&self) -> &BTreeSet<TenantId> {
        &self.marked
    }

    /// What a command is about: the marked tenants in the order of the list, else the selected one.
    #[must_use]
    pub fn targets(&self) -> Vec<&Tenant> {
        if self.marked.is_empty() {
            return self.selected().into_iter().collect();
        }
        self.list.iter().filter(|tenant| self.marked.contains(&tenant.id)).collect()
    }

    /// True until the first answer.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        !self.loaded && self.problem.is_none()
    }

    /// True while a tenant is on its way to another state by itself.
    #[must_use]
    pub fn any_moving(&self) -> bool {
        self.moving
    }

    /// True where any of them was deployed: its age is on the screen.
    #[must_use]
    pub fn any_deployed(&self) -> bool {
        self.aged
    }

    /// Why the list is old or missing.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    fn rearrange(&mut self) {
        let keep = self.selected().map(|tenant| tenant.id.clone());
        self.arrange(keep.as_ref());
    }

    /// Works out what is shown, and selects `keep` where it is among it.
    fn arrange(&mut self, keep: Option<&TenantId>) {
        let mut filter = Filter::new(&self.filter);
        let mut shown: Vec<(usize, u32)> =
            self.list.iter().enumerate().filter_map(|(place, tenant)| Some((place, filter.score(tenant)?))).collect();
        let Sort { column, reversed } = self.sort;
        if column == Column::Listed && !self.filter.is_empty() {
            // The best match first; equal ones as they are listed.
            shown.sort_by_key(|(place, score)| (std::cmp::Reverse(*score), *place));
        } else {
            shown.sort_by(|(one, _), (other, _)| column.compare(&self.list[*one], &self.list[*other]));
        }
        self.shown = shown.into_iter().map(|(place, _)| place).collect();
        if reversed {
            self.shown.reverse();
        }
        let kept = keep.and_then(|id| self.shown.iter().position(|place| self.list[*place].id == *id));
        self.selected = kept.unwrap_or(self.selected).min(self.shown.len().saturating_sub(1));
    }
}

/// A fuzzy filter over what a row says.
struct Filter {
    pattern: Option<Pattern>,
    matcher: Matcher,
    room: Vec<char>,
}

impl Filter {
    fn new(text: &str) -> Self {
        let text = text.trim();
        let pattern = (!text.is_empty()).then(|| Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart));
        Self { pattern, matcher: Matcher::new(Config::DEFAULT), room: Vec::new() }
    }

    /// How well a tenant fits; `None` where it does not.
    fn score(&mut self, tenant: &Tenant) -> Option<u32> {
        let Some(pattern) = &self.pattern else { return Some(0) };
        let words = format!(
            "{} {} {} {}",
            tenant.name,
            tenant.state().word(),
            tenant.region.as_deref().unwrap_or(""),
            tenant.plan.as_ref().map_or("", |plan| plan.name.as_str())
        );
        pattern.score(Utf32Str::new(&words, &mut self.room), &mut self.matcher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{tenant, tenant_id, tenants};
    use proptest::prelude::*;

    fn of(list: Vec<Tenant>) -> Tenants {
        let mut tenants = Tenants::default();
        tenants.take(TenantList { tenants: list, rejected: Vec::new() });
        tenants
    }

    fn names(tenants: &Tenants) -> Vec<String> {
        tenants.from(0).map(|(_, tenant)| tenant.name.clone()).collect()
    }

    #[test]
    fn the_selection_stays_on_its_tenant() {
        let mut list = of(tenants());
        list.step(2);
        let id = list.selected().map(|tenant| tenant.id.clone());
        list.sort_by(Sort { column: Column::Name, reversed: false });
        assert_eq!(list.selected().map(|tenant| tenant.id.clone()), id);
        let mut fresh = tenants();
        fresh.reverse();
        list.take(TenantList { tenants: fresh, rejected: Vec::new() });
        assert_eq!(list.selected().map(|tenant| tenant.id.clone()), id);
    }

    #[test]
    fn the_list_of_the_last_time_is_there_until_the_api_has_answered() {
        let at = "2026-11-30T08:00:00Z".parse().unwrap();
        let mut list = Tenants { wanted: Some(tenant_id(2)), ..Tenants::default() };
        list.recall(LastTenants::new(at, tenants()));
        assert_eq!((list.count(), list.recalled()), (6, Some(at)));
        assert_eq!(list.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(2)));
        assert!(list.is_loading(), "the API has not answered");
        assert_eq!(list.to_remember(), None, "nobody said it anew");
        list.fail(Problem::new("away"));
        assert_eq!((list.count(), list.recalled()), (6, Some(at)), "an old list is better than none");
        let fresh = tenants().split_off(1);
        list.take(TenantList { tenants: fresh.clone(), rejected: Vec::new() });
        assert_eq!((list.count(), list.recalled()), (5, None));
        assert_eq!(list.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(2)));
        assert_eq!(list.to_remember(), Some(fresh));
    }

    #[test]
    fn local_tenants_stand_behind_the_clouds_and_stay_when_those_are_loaded_again() {
        let local = Tenant { id: TenantId::new("local_1").unwrap(), ..tenant(9, "here", "running") };
        let mut list = of(tenants());
        list.take_local(vec![local]);
        assert_eq!(names(&list).last().map(String::as_str), Some("here"));
        list.take(TenantList { tenants: tenants(), rejected: Vec::new() });
        assert_eq!(list.count(), 7);
        list.take_local(Vec::new());
        assert_eq!(list.count(), 6);
    }

    #[test]
    fn a_filter_shows_what_fits_and_the_best_first() {
        let mut list = of(tenants());
        list.filter_by("orch");
        assert_eq!(names(&list), ["orchard", "orchard-staging"]);
        list.filter_by("suspended");
        assert_eq!(names(&list), ["archive"]);
        list.filter_by("zzz");
        assert_eq!(list.selected(), None);
        list.filter_by("");
        assert_eq!(list.count(), 6);
    }

    #[test]
    fn what_was_bought_is_shown_in_spite_of_a_filter() {
        let mut list = of(tenants());
        list.filter_by("archive");
        list.wanted = Some(tenant_id(9));
        let mut fresh = tenants();
        fresh.push(tenant(9, "new", "running"));
        list.take(TenantList { tenants: fresh, rejected: Vec::new() });
        assert_eq!(list.selected().map(|tenant| tenant.name.as_str()), Some("new"));
    }

    #[test]
    fn marks_are_of_tenants_and_go_with_them() {
        let mut list = of(tenants());
        list.toggle_mark();
        list.step(1);
        list.toggle_mark();
        assert_eq!(list.targets().len(), 2);
        list.take(TenantList { tenants: tenants().split_off(1), rejected: Vec::new() });
        assert_eq!(list.targets().iter().map(|tenant| tenant.name.as_str()).collect::<Vec<_>>(), ["orchard-staging"]);
        list.toggle_marks();
        assert_eq!(list.marked().len(), 5);
        list.toggle_marks();
        assert_eq!(list.targets().len(), 1, "the selected one");
    }

    proptest! {
        #[test]
        fn sorting_loses_nobody_and_backwards_is_backwards(seed in 0u8..60, column in 0usize..9) {
            let column = Column::ALL[column];
            let list: Vec<_> = (0..seed).map(|n| tenant(n, &format!("t{}", n.wrapping_mul(37) % 7), "running")).collect();
            let mut tenants = of(list);
            tenants.sort_by(Sort { column, reversed: false });
            let forwards = names(&tenants);
            prop_assert_eq!(forwards.len(), usize::from(seed));
            tenants.sort_by(Sort { column, reversed: true });
            let mut backwards = names(&tenants);
            backwards.reverse();
            prop_assert_eq!(backwards, forwards);
        }
    }
}
