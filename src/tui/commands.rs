//! The one table of commands. The key map, the hint bar and the help are made from it, so they cannot
//! disagree; a key that means two things at once is a failing test. Must not know how a command is done.

use super::key::Key;

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Deploy the selected tenant.
    Deploy,
    /// Stop the running deploy.
    CancelDeploy,
    /// Buy a tenant.
    NewTenant,
    /// Open the selected tenant's address.
    Open,
    /// Load everything again, and reconnect.
    Refresh,
    /// Show the newest problem in full.
    Details,
    /// Focus the next pane.
    NextPane,
    /// Focus the previous pane.
    PreviousPane,
    /// One up.
    Up,
    /// One down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the start.
    First,
    /// To the end, and follow it.
    Last,
    /// What the keys do.
    Help,
    /// Leave.
    Quit,
    /// Leave, at once when asked twice.
    Interrupt,
    /// Stop the program until the shell lets it go on.
    Suspend,
    /// Close the dialog or the message.
    Close,
    /// Take the selected entry.
    Choose,
    /// One step back in the dialog.
    Back,
    /// Open the payment page.
    OpenPayment,
    /// Begin another purchase.
    StartOver,
    /// Answer yes.
    Yes,
    /// Answer no.
    No,
    /// Change between yes and no.
    Switch,
}

/// Where a command's keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everywhere, dialogs included.
    Always,
    /// The panes, while no dialog is open.
    Main,
    /// A dialog with a list to choose from.
    Choice,
    /// The dialog that waits for the payment.
    Payment,
    /// A question.
    Question,
    /// A dialog with text.
    Text,
}

impl Scope {
    /// All scopes; the help shows those that have a title.
    pub const ALL: [Self; 6] = [Self::Main, Self::Choice, Self::Payment, Self::Question, Self::Text, Self::Always];

    /// The heading in the help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Always => "Everywhere",
            Self::Main => "Main screen",
            Self::Choice => "Choosing a plan or a region",
            Self::Payment => "Waiting for a payment",
            Self::Question => "Answering a question",
            Self::Text => "Reading a text",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// What it does.
    pub action: Action,
    /// Where.
    pub scope: Scope,
    /// With which keys; the first is the one to show.
    pub keys: &'static [Key],
    /// A word or two for the hint bar.
    pub title: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// True where it changes something outside of the program.
    pub dangerous: bool,
    /// True where the hint bar shows it.
    pub hint: bool,
}

const fn command(
    action: Action,
    scope: Scope,
    keys: &'static [Key],
    title: &'static str,
    help: &'static str,
) -> Command {
    Command { action, scope, keys, title, help, dangerous: false, hint: false }
}

impl Command {
    const fn hinted(mut self) -> Self {
        self.hint = true;
        self
    }

    const fn dangerous(mut self) -> Self {
        self.dangerous = true;
        self
    }
}

use Action as A;
use Key::{BackTab, Backspace, Char, Ctrl, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up};
use Scope::{Always, Choice, Main, Payment, Question, Text};

/// Every command, in the order of the hint bar and the help.
pub const COMMANDS: &[Command] = &[
    command(
        A::Deploy,
        Main,
        &[Char('d')],
        "deploy",
        "Build the project, push its image and deploy the selected tenant.",
    )
    .hinted()
    .dangerous(),
    command(
        A::CancelDeploy,
        Main,
        &[Char('c')],
        "cancel",
        "Stop the running deploy; one that the server has is left to it.",
    )
    .hinted()
    .dangerous(),
    command(A::NewTenant, Main, &[Char('n')], "new tenant", "Buy a tenant: plan, region, payment.")
        .hinted()
        .dangerous(),
    command(A::Open, Main, &[Char('o')], "open", "Open the selected tenant's address in the browser.").hinted(),
    command(A::Details, Main, &[Char('e')], "full text", "Show the problem on the screen in full.").hinted(),
    command(A::Refresh, Main, &[Char('r')], "refresh", "Load everything again, and reconnect what was lost.").hinted(),
    command(A::NextPane, Main, &[Tab, Right], "next pane", "Go to the next pane.").hinted(),
    command(A::PreviousPane, Main, &[BackTab, Left], "previous pane", "Go to the previous pane."),
    command(A::Up, Main, &[Up, Char('k')], "up", "Select the tenant above, or scroll up."),
    command(A::Down, Main, &[Down, Char('j')], "down", "Select the tenant below, or scroll down."),
    command(A::PageUp, Main, &[PageUp], "page up", "Scroll one page up."),
    command(A::PageDown, Main, &[PageDown], "page down", "Scroll one page down."),
    command(A::First, Main, &[Home, Char('g')], "start", "Go to the start."),
    command(A::Last, Main, &[End, Char('G')], "end", "Go to the end, and follow what arrives."),
    command(A::Close, Main, &[Esc], "dismiss", "Put a message away."),
    command(A::Help, Main, &[Char('?')], "help", "Show this list.").hinted(),
    command(A::Quit, Main, &[Char('q')], "quit", "Leave. Asks first while a deploy runs.").hinted(),
    command(A::Choose, Choice, &[Enter], "choose", "Take the selected entry.").hinted().dangerous(),
    command(A::Up, Choice, &[Up, Char('k')], "up", "Select the entry above."),
    command(A::Down, Choice, &[Down, Char('j')], "down", "Select the entry below."),
    command(A::Back, Choice, &[Backspace, Left], "back", "Go one step back.").hinted(),
    command(A::Close, Choice, &[Esc], "close", "Close without buying.").hinted(),
    command(A::OpenPayment, Payment, &[Char('o'), Enter], "open page", "Open the payment page in the browser.")
        .hinted(),
    command(A::StartOver, Payment, &[Char('b')], "begin anew", "Leave this purchase unpaid and choose again.").hinted(),
    command(A::Close, Payment, &[Esc], "close", "Close the dialog; the purchase keeps waiting.").hinted(),
    command(A::Yes, Question, &[Char('y')], "yes", "Do it."),
    command(A::No, Question, &[Char('n'), Esc], "no", "Leave everything as it is."),
    command(A::Switch, Question, &[Tab, BackTab, Left, Right], "other answer", "Select the other answer.").hinted(),
    command(A::Choose, Question, &[Enter], "answer", "Take the selected answer.").hinted(),
    command(A::Close, Text, &[Esc, Enter, Char('q'), Char('?')], "close", "Close the text.").hinted(),
    command(A::Up, Text, &[Up, Char('k')], "up", "Scroll up.").hinted(),
    command(A::Down, Text, &[Down, Char('j')], "down", "Scroll down.").hinted(),
    command(A::PageUp, Text, &[PageUp], "page up", "Scroll one page up."),
    command(A::PageDown, Text, &[PageDown], "page down", "Scroll one page down."),
    command(A::Interrupt, Always, &[Ctrl('c')], "leave", "Leave; a second time without a question."),
    command(A::Suspend, Always, &[Ctrl('z')], "stop", "Stop the program; the shell's fg brings it back."),
];

/// The command of a key where only `scope` and [`Scope::Always`] are read.
#[must_use]
pub fn find(scope: Scope, key: Key) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| (command.scope == scope || command.scope == Always) && command.keys.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn no_key_means_two_things() {
        for scope in Scope::ALL {
            let mut seen = HashMap::new();
            for command in COMMANDS.iter().filter(|command| command.scope == scope || command.scope == Always) {
                for key in command.keys {
                    if let Some(other) = seen.insert(key, command.action) {
                        assert_eq!(other, command.action, "{key} in {scope:?} means two things");
                    }
                }
            }
        }
    }

    #[test]
    fn every_command_can_be_pressed_and_explained() {
        for command in COMMANDS {
            assert!(!command.keys.is_empty(), "{:?}", command.action);
            assert!(command.help.ends_with('.') && !command.title.is_empty(), "{:?}", command.action);
            assert_eq!(find(command.scope, command.keys[0]).map(|found| found.action), Some(command.action));
        }
    }

    #[test]
    fn each_scope_has_an_action_once() {
        for (index, command) in COMMANDS.iter().enumerate() {
            let again = COMMANDS[index + 1..]
                .iter()
                .any(|other| (other.scope, other.action) == (command.scope, command.action));
            assert!(!again, "{:?} in {:?} has two rows", command.action, command.scope);
        }
    }
}
