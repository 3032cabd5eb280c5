//! The pages: what stands beside the list of tenants. One row each; a key and a tab lead to every page.

use super::panes::Pane;

/// A page, as its place in [`PAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page(usize);

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The word on its tab.
    pub title: &'static str,
    /// Its panes from top to bottom.
    pub panes: &'static [Pane],
}

const fn of(title: &'static str, panes: &'static [Pane]) -> Row {
    Row { title, panes }
}

/// Every page, in the order of the tabs.
pub const PAGES: &[Row] = &[
    of("live", &[Pane::Events, Pane::Deploy, Pane::Logs]),
    of("overview", &[Pane::Overview]),
    of("metrics", &[Pane::Metrics]),
    of("secrets", &[Pane::Secrets]),
    of("history", &[Pane::History]),
    of("environment", &[Pane::Environment]),
    of("plan", &[Pane::Plan]),
    of("domain", &[Pane::Domain]),
    of("diagnostics", &[Pane::Diagnostics]),
];

impl Page {
    /// Every page.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PAGES.len()).map(Self)
    }

    /// The page that shows this pane; `None` for the list of tenants, which stands beside all of them.
    #[must_use]
    pub fn with(pane: Pane) -> Option<Self> {
        PAGES.iter().position(|row| row.panes.contains(&pane)).map(Self)
    }

    /// The word on its tab.
    #[must_use]
    pub fn title(self) -> &'static str {
        PAGES.get(self.0).map_or("", |row| row.title)
    }

    /// Its panes from top to bottom.
    #[must_use]
    pub fn panes(self) -> &'static [Pane] {
        PAGES.get(self.0).map_or(&[], |row| row.panes)
    }

    /// The page `steps` further, around the end.
    #[must_use]
    pub fn step(self, steps: usize) -> Self {
        Self((self.0 + steps) % PAGES.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pane_but_the_list_has_one_page() {
        for pane in Pane::ALL {
            let pages = PAGES.iter().filter(|row| row.panes.contains(&pane)).count();
            assert_eq!(pages, usize::from(pane != Pane::Tenants), "{pane:?}");
        }
    }
}
