//! How the log is looked at: where the view stands, what is searched for and filtered by, which lines are chosen. Must not
//! know streams, or how it looks.

use jiff::Timestamp;

use super::{ALL_THE_WAY, State};
use crate::tui::app::Shared;
use crate::tui::log::{Direction, Filter, Key, Kind, Log, Pattern, PatternError, Place, Room, Selection, Since, Step};
use crate::tui::log::{Times, View};
use crate::tui::outside::Text;

/// What a person typed as a pattern: a regular expression; behind `=` the text as it stands.
fn pattern(text: &str) -> Result<Option<Pattern>, PatternError> {
    let (kind, text) = text.strip_prefix('=').map_or((Kind::Regex, text), |plain| (Kind::Plain, plain));
    if text.is_empty() { Ok(None) } else { Pattern::new(text, kind).map(Some) }
}

/// Just behind a line.
fn behind(key: Key) -> Key {
    Key { number: key.number.saturating_add(1), ..key }
}

impl State {
    /// Does something with the view, and remembers what was new where it stops to follow.
    pub(super) fn look(&mut self, work: impl FnOnce(&Log, &mut View, Room)) {
        let followed = self.view.follows();
        work(&self.log, &mut self.view, self.room);
        if self.view.follows() {
            self.paused = None;
        } else if followed {
            self.paused = Some(self.log.beside(Key::LAST, 0).map_or(Key::FIRST, behind));
        }
    }

    /// Moves the view by rows, up is negative; reaching the end follows it again.
    pub(super) fn scroll(&mut self, delta: i64) {
        self.look(|log, view, room| match (delta.unsigned_abs() > ALL_THE_WAY, delta < 0) {
            (false, _) => log.scroll(view, delta, room),
            (true, true) => {
                log.to_first(view);
                // Where everything is in view, the end is too.
                log.scroll(view, 0, room);
            }
            (true, false) => view.place = Place::End,
        });
    }

    /// Follows the end, or stays where it is.
    pub(super) fn toggle_following(&mut self) {
        if self.view.follows() {
            self.look(Log::pause);
        } else {
            self.view.selection = None;
            self.look(|_, view, _| view.place = Place::End);
        }
    }

    /// How many lines came since the view stopped to follow, of those that are shown.
    pub(super) fn news(&self) -> u64 {
        self.paused.map_or(0, |key| self.log.shown_len().saturating_sub(self.log.rank(key)))
    }

    /// Searches for what is being typed. What is no pattern changes nothing but the note.
    pub(super) fn search_for(&mut self, text: &str) {
        match pattern(text) {
            Ok(pattern) => {
                self.log.set_search(pattern);
                text.clone_into(&mut self.searched);
                (self.mistake, self.step, self.view.current) = (None, None, None);
            }
            Err(error) => self.mistake = Some(error.to_string()),
        }
    }

    /// Filters by what is being typed; `!` in front leaves out what fits. What is no pattern changes nothing but the note.
    pub(super) fn filter_by(&mut self, text: &str) {
        let inverted = text.starts_with('!');
        match pattern(text.strip_prefix('!').unwrap_or(text)) {
            Ok(pattern) => {
                let inverted = inverted && pattern.is_some();
                let filter = Filter { pattern, inverted, ..self.log.filter().clone() };
                self.log.set_filter(filter);
                text.clone_into(&mut self.filtered);
                (self.mistake, self.step) = (None, None);
            }
            Err(error) => self.mistake = Some(error.to_string()),
        }
    }

    /// The line was taken: a mistake that is still in it is told once more, and what was good before stays.
    pub(super) fn take_pattern(&mut self, shared: &mut Shared) -> bool {
        let Some(mistake) = self.mistake.take() else { return true };
        shared.warn(format!("Not taken: {mistake}."));
        false
    }

    /// Shows lines from so long ago on.
    pub(super) fn show_since(&mut self, since: Since, now: Timestamp) {
        self.since = since;
        let filter = Filter { since: since.begin(now), ..self.log.filter().clone() };
        self.log.set_filter(filter);
    }

    /// Shows times another way.
    pub(super) fn next_times(&mut self) -> Times {
        self.view.times = self.view.times.next();
        self.times = Some(self.view.times);
        self.view.times
    }

    /// Goes on to the next line that was found; waits where not all lines between were looked at.
    pub(super) fn step_on(&mut self, shared: &mut Shared, direction: Direction) {
        match self.next_found(direction) {
            Step::Found { number, wrapped } => {
                shared.dirty = true;
                self.look(|log, view, room| {
                    log.reveal(view, number, room);
                });
                match (wrapped, direction) {
                    (false, _) => {}
                    (true, Direction::Ahead) => shared.say("The search went on at the first line."),
                    (true, Direction::Back) => shared.say("The search went on at the last line."),
                }
            }
            Step::Nowhere => {
                shared.dirty = true;
                shared.warn(format!("{} is in no line that is shown.", self.searched));
            }
            Step::Working => {
                self.step = Some(direction);
                self.working = Some(shared.now.running);
            }
        }
    }

    /// The next line that was found: from the line where the search stands while that can be seen, else from the edge of what
    /// is in view, the line there counted.
    fn next_found(&self, direction: Direction) -> Step {
        let visible = self.visible();
        let key = |number: Option<u64>| number.and_then(|number| self.log.key(number));
        if let Some(stands) = key(self.view.current.filter(|current| visible.contains(current))) {
            return self.log.step(stands, direction);
        }
        let finds = |number: &u64| {
            let text = self.log.line(*number).map_or("", |line| line.text);
            self.log.search().is_some_and(|pattern| pattern.is_in(text))
        };
        match direction {
            Direction::Back => self.log.step(key(visible.last().copied()).map_or(Key::LAST, behind), direction),
            Direction::Ahead => match visible.first() {
                Some(number) if finds(number) => Step::Found { number: *number, wrapped: false },
                first => self.log.step(key(first.copied()).unwrap_or(Key::LAST), direction),
            },
        }
    }

    /// The numbers of the lines that are in view.
    fn visible(&self) -> Vec<u64> {
        self.log.window(&self.view, self.room).into_iter().map(|row| row.number).collect()
    }

    /// The line that a command without a selection is about: where the search stands, else the last one in view.
    pub(super) fn current(&self) -> Option<Key> {
        let visible = self.visible();
        let number = self.view.current.filter(|current| visible.contains(current)).or(visible.last().copied());
        self.log.key(number?)
    }

    /// Begins to choose lines, at the current one; what is in view stays there meanwhile.
    pub(super) fn begin_selection(&mut self) {
        let Some(key) = self.current() else { return };
        self.look(Log::pause);
        self.view.selection = Some(Selection { anchor: key, head: key });
    }

    /// Ends it; true where there was one.
    pub(super) fn end_selection(&mut self) -> bool {
        self.view.selection.take().is_some()
    }

    /// Draws the selection to a line further down, or up.
    pub(super) fn extend(&mut self, delta: i64) {
        let Some(selection) = self.view.selection else { return };
        let Some(head) = self.log.beside(selection.head, delta) else { return };
        self.view.selection = Some(Selection { head, ..selection });
        let far = delta.unsigned_abs() > self.room.rows as u64;
        let visible = self.visible().contains(&head.number);
        if !visible && !far {
            self.look(|log, view, room| {
                log.scroll(view, delta, room);
                log.pause(view, room);
            });
        }
        if !visible && (far || !self.visible().contains(&head.number)) {
            // The search stays where it stands.
            let (current, left) = (self.view.current, self.view.left);
            self.look(|log, view, room| {
                log.reveal(view, head.number, room);
            });
            (self.view.current, self.view.left) = (current, left);
        }
    }

    /// Chooses the line in a row of the picture; the only chosen one is let go again.
    pub(super) fn select_row(&mut self, row: usize) {
        let Some(key) = self.visible().get(row).and_then(|number| self.log.key(*number)) else { return };
        let alone = Selection { anchor: key, head: key };
        if self.view.selection == Some(alone) {
            self.view.selection = None;
            return;
        }
        self.look(Log::pause);
        self.view.selection = Some(alone);
    }

    /// Draws the selection to a row of the picture.
    pub(super) fn extend_to_row(&mut self, row: usize) {
        let key = self.visible().get(row).and_then(|number| self.log.key(*number));
        if let (Some(selection), Some(head)) = (self.view.selection, key) {
            self.view.selection = Some(Selection { head, ..selection });
        }
    }

    /// The chosen lines, else the current one, as text, and what that is called.
    pub(super) fn copied(&self) -> Option<(Text, String)> {
        let current = || self.current().map(|key| Selection { anchor: key, head: key });
        let selection = self.view.selection.or_else(current)?;
        let text = self.text(selection);
        let what = match self.log.selected_len(selection) {
            0 => return None,
            1 => "the line".to_owned(),
            count => format!("the selection of {count} lines"),
        };
        // A single line is pasted into the middle of something else.
        let text = if what == "the line" { Text::plain(text.reveal().trim_end_matches('\n')) } else { text };
        Some((text, what))
    }
}
