//! Sheets of pictures: every state of a wizard's dialogs, one below the other, at three sizes. The dialog alone is drawn, for
//! the screen behind it has pictures of its own.

use std::fmt::Write as _;
use std::time::Duration;

use super::bought::{buy, chosen, is_there, looked, opened, options, provision, ready, reload, renamed};
use super::pictures::{begin_purchase, plans};
use crate::model::{Check, CheckoutSession, Problem};
use crate::tui::app::{BareFolder, Health};
use crate::tui::backend::Live;
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use crate::tui::testing::{Play, dialog, tenant, tenants, typed};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

/// A state's name and how it comes about.
pub type State<'a> = (&'a str, &'a dyn Fn(u16, u16) -> Play);

/// A sheet of these states for every size.
pub fn sheets(name: &str, states: &[State<'_>]) {
    for (width, height) in SIZES {
        let mut sheet = String::new();
        for (state, make) in states {
            writeln!(sheet, "=== {state}\n{}", dialog(&make(width, height).app)).unwrap();
        }
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), sheet);
    }
}

fn broken() -> Problem {
    Problem::new("The Management API is not reachable.")
        .detail("http://127.0.0.1:8765/api/v1/checkout: connection refused")
        .hint("Check the network and the address, then try again.")
}

/// A wizard that was just opened.
fn begun(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('n'), Key::Enter]);
    play
}

fn planned(width: u16, height: u16) -> Play {
    let mut play = begun(width, height);
    play.answer(Slot::Plans, Answer::Plans(Ok(plans())));
    play
}

/// A purchase that waits, of a server that says so much.
fn waiting(mut play: Play, session: Option<&str>) -> Play {
    play.keys(&[Key::Enter]);
    let session = CheckoutSession {
        checkout_url: "https://pay.example/checkout/cs_01k9x7h2".to_owned(),
        transaction_id: None,
        checkout_session_id: session.map(|id| crate::model::SessionId::new(id).unwrap()),
    };
    play.answer(Slot::Checkout, Answer::Checkout(Ok(session)));
    play
}

fn paying(width: u16, height: u16) -> Play {
    waiting(options(width, height), Some("cs_1"))
}

#[test]
fn the_wizard_for_a_new_tenant() {
    let naming = |name: &'static str| {
        move |width, height| {
            let mut play = options(width, height);
            play.keys(&[Key::Down, Key::Down, Key::Enter]);
            typed(&mut play, name);
            play.keys(&[Key::Enter]);
            play
        }
    };
    sheets(
        "new_tenant",
        &[
            ("loading", &begun),
            ("no plans", &|width, height| {
                let mut play = begun(width, height);
                play.answer(Slot::Plans, Answer::Plans(Ok(Vec::new())));
                play
            }),
            ("plans failed", &|width, height| {
                let mut play = begun(width, height);
                play.answer(Slot::Plans, Answer::Plans(Err(broken())));
                play
            }),
            ("plans", &planned),
            ("regions", &|width, height| {
                let mut play = planned(width, height);
                play.keys(&[Key::Down, Key::Enter, Key::Down]);
                play
            }),
            ("options", &options),
            ("options, database", &|width, height| {
                let mut play = options(width, height);
                play.keys(&[Key::Down, Key::Enter]);
                play
            }),
            ("options, name", &|width, height| {
                let mut play = chosen(width, height);
                play.keys(&[Key::Down, Key::Down]);
                play
            }),
            ("name is taken", &naming("other")),
            ("name is long", &naming("an-orchard-with-a-name-that-is-longer-than-any-server-of-ours-would-take-it")),
            ("nothing may be changed any more", &|width, height| {
                let mut play = options(width, height);
                play.app.shared.lock = Lock::ReadOnly;
                play.keys(&[Key::Enter]);
                play
            }),
            ("beginning", &|width, height| {
                let mut play = options(width, height);
                play.keys(&[Key::Enter]);
                play
            }),
            ("not begun", &|width, height| {
                let mut play = options(width, height);
                play.keys(&[Key::Enter]);
                play.answer(Slot::Checkout, Answer::Checkout(Err(broken())));
                play
            }),
            ("payment", &paying),
            ("payment of what was chosen, with a long address", &|width, height| {
                let mut play = chosen(width, height);
                play.keys(&[Key::Enter]);
                begin_purchase(&mut play);
                play
            }),
            ("payment by itself", &|width, height| {
                let mut play = options(width, height);
                play.app.shared.options.auto_pay = true;
                waiting(play, Some("cs_1"))
            }),
            ("payment failed", &|width, height| {
                let mut play = options(width, height);
                play.app.shared.options.auto_pay = true;
                let mut play = waiting(play, Some("cs_1"));
                play.answer(Slot::Pay, Answer::Paid(Err(broken())));
                play
            }),
            ("payment that nobody tells of", &|width, height| waiting(chosen(width, height), None)),
            ("payment, stream lost", &|width, height| {
                let mut play = paying(width, height);
                let problem = Problem::new("Live updates interrupted.").detail("The server closed the connection.");
                let lost = Live::Interrupted { attempt: 2, retry_in: Duration::from_secs(4), problem };
                play.answer(Slot::CheckoutFeed, Answer::CheckoutEvent(lost));
                play
            }),
            ("payment, code alone", &|width, height| {
                let mut play = paying(width, height);
                play.keys(&[Key::Char('c')]);
                play
            }),
        ],
    );
}

fn lacks() -> Vec<Check> {
    vec![
        Check::warn(
            "profile",
            "No profile names this tenant: a deploy sends it no secrets.",
            "Write 3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f01 as cloud.tenant_id into \
             .systemprompt/profiles/production/profile.yaml. Its credentials are stored there from then on.",
        ),
        Check::fail("build", "The build's program just is not there.", "Install just."),
        Check::warn("web", "the web bundle was not built", "Run the web build, if the image needs it."),
        Check::warn("storage", "no storage/", "Make the folder, or leave it."),
    ]
}

#[test]
fn what_comes_after_the_purchase() {
    let first_steps = |phase: &'static str| {
        move |width, height| {
            let mut play = Play::ready(width, height, vec![tenant(1, "orchard", phase)]);
            play.keys(&[Key::Char('t'), Key::Char('f')]);
            looked(&mut play, Vec::new());
            play
        }
    };
    let opened_name = |mut play: Play| {
        renamed(&mut play, Ok(()));
        opened(&mut play, Ok(()));
        play
    };
    sheets(
        "ready",
        &[
            ("looking", &|width, height| ready(options(width, height))),
            ("all is there", &|width, height| {
                let mut play = ready(options(width, height));
                looked(&mut play, Vec::new());
                play
            }),
            ("as it was chosen", &|width, height| {
                let mut play = opened_name(ready(chosen(width, height)));
                looked(&mut play, Vec::new());
                play
            }),
            ("not as it was chosen", &|width, height| {
                let mut play = ready(chosen(width, height));
                renamed(&mut play, Err(Problem::new("Another tenant has this name.").hint("Choose another one.")));
                opened(&mut play, Ok(()));
                looked(&mut play, lacks());
                play
            }),
            ("lacking", &|width, height| {
                let mut play = ready(options(width, height));
                looked(&mut play, lacks());
                play
            }),
            ("no project", &|width, height| {
                let mut play = options(width, height);
                play.app.shared.options.bare_folder = Some(BareFolder { shown: "/home/mara".into(), asks: false });
                ready(play)
            }),
            ("no Docker", &|width, height| {
                let mut play = ready(options(width, height));
                play.app.shared.engine = Health::Down(Problem::new("No socket."));
                play
            }),
            ("nothing may be changed", &|width, height| {
                let mut play = ready(options(width, height));
                looked(&mut play, Vec::new());
                play.app.shared.lock = Lock::ReadOnly;
                play.keys(&[Key::Char('d')]);
                play
            }),
            ("no address yet", &|width, height| {
                let mut play = ready(options(width, height));
                looked(&mut play, Vec::new());
                play.keys(&[Key::Up, Key::Enter]);
                play
            }),
            ("being made", &|width, height| {
                let mut play = chosen(width, height);
                buy(&mut play);
                provision(&mut play);
                play.keys(&[Key::Char('t'), Key::Char('f')]);
                looked(&mut play, Vec::new());
                play
            }),
            ("running", &first_steps("running")),
            ("gone", &|width, height| {
                let mut play = options(width, height);
                buy(&mut play);
                provision(&mut play);
                is_there(&mut play);
                reload(&mut play, tenant(3, "docs", "running"));
                play
            }),
        ],
    );
}
