//! Pictures of whole screens in every state that matters, styles included, at three sizes; and of dialogs.

use std::time::Duration;

use crate::model::progress::{
    BuildProgress, DeployOutcome, DeployProgress, DeployStep, LayerProgress, LayerState, Vertex, VertexState,
};
use crate::model::{CheckoutSession, Digest, Plan, Price, Problem, SessionId};
use crate::tui::backend::Live;
use crate::tui::dialogs::new_tenant::Purchase;
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{
    Play, deploy_job, deployed_answer, event_answer, log, log_answer, log_feed, phase_one, progress_answer, tenants,
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

pub fn at_each_size(name: &str, make: impl Fn(u16, u16) -> Play) {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), make(width, height).picture());
    }
}

fn refused() -> Problem {
    Problem::new("The Management API is not reachable.")
        .detail("http://127.0.0.1:8765/api/v1/tenants: connection refused")
        .hint("Check the network and the address, then press R.")
}

/// A screen full of what happened to the first tenant.
pub fn filled(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.tick(1);
    play.answer(Slot::EventFeed, event_answer(Live::Connected));
    for event in phase_one() {
        play.answer(Slot::EventFeed, event_answer(Live::Item(event)));
    }
    play.answer(log_feed(), log_answer(Live::Connected));
    for (second, level, text) in [
        (31, "info", "migrations: 12 applied"),
        (33, "info", "listening on 0.0.0.0:8080"),
        (38, "warn", "openai: no key, provider disabled"),
        (39, "error", "anthropic: 401 invalid key"),
        (41, "info", "GET /api/v1/health 200 1 ms"),
    ] {
        play.answer(log_feed(), log_answer(Live::Item(log(second, level, text))));
    }
    play
}

pub fn say(play: &mut Play, progress: DeployProgress) {
    play.answer(deploy_job(), progress_answer(progress));
}

/// A deploy as far as the middle of its build.
pub fn building(width: u16, height: u16) -> Play {
    let mut play = filled(width, height);
    play.keys(&[Key::Char('d')]);
    for (step, summary) in [
        (DeployStep::Preflight, "9 checks, 1 warning"),
        (DeployStep::Project, "just build"),
        (DeployStep::Registry, "token for tenant-3f6c1b8e until 12:22"),
    ] {
        say(&mut play, DeployProgress::Started { step });
        let took = Duration::from_millis(240);
        say(&mut play, DeployProgress::Finished { step, summary: summary.to_owned(), took });
    }
    say(&mut play, DeployProgress::Started { step: DeployStep::Build });
    say(&mut play, DeployProgress::Build { progress: BuildProgress::Context { sent: 4_200_000 } });
    for number in 1..=3 {
        let name = format!("[{number}/6] COPY part-{number} /app/part-{number}");
        let state = if number == 1 { VertexState::Cached } else { VertexState::Running };
        let vertex = Vertex { number, name, inputs: Vec::new(), state };
        say(&mut play, DeployProgress::Build { progress: BuildProgress::Vertex(vertex) });
    }
    play.tick(3);
    play
}

/// A deploy in the middle of its push.
pub fn pushing(width: u16, height: u16) -> Play {
    let mut play = building(width, height);
    let took = Duration::from_millis(1600);
    say(
        &mut play,
        DeployProgress::Finished { step: DeployStep::Build, summary: "6 steps, 1 cached, 5e1f2a9c".to_owned(), took },
    );
    say(&mut play, DeployProgress::Started { step: DeployStep::Push });
    for (id, state) in [
        ("9ab3c1d0aaaa", LayerState::AlreadyThere),
        ("c6d9f012bbbb", LayerState::Pushing { current: 38_000_000, total: 59_000_000 }),
        ("77ab01cdcccc", LayerState::Pushed),
        ("0e11f2a3dddd", LayerState::Pushing { current: 800_000, total: 0 }),
        ("b5c6d7e8eeee", LayerState::Waiting),
        ("b5c6d7e9eeee", LayerState::Waiting),
    ] {
        say(&mut play, DeployProgress::Push { layer: LayerProgress { id: id.to_owned(), state } });
    }
    play.tick(5);
    play
}

#[test]
fn nothing_answered_yet() {
    at_each_size("loading", Play::new);
}

#[test]
fn no_tenants() {
    at_each_size("empty", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.app.shared.options.notice =
            Some("The sample project lies in /tmp/sample. Change it, then press d.".to_owned());
        play
    });
}

#[test]
fn everything_at_once() {
    at_each_size("filled", filled);
}

#[test]
fn nothing_may_be_changed() {
    at_each_size("read_only", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        play
    });
}

#[test]
fn nothing_works() {
    at_each_size("error", |width, height| {
        let mut play = Play::new(width, height);
        let login = Problem::new("Your login is no longer valid.").hint("Log in again.").needs_login();
        play.answer(Slot::Account, Answer::Account(Err(login)));
        play.answer(Slot::Api, Answer::Api(Err(refused())));
        play.answer(Slot::Engine, Answer::Engine(Err(Problem::new("Docker does not answer."))));
        play.answer(Slot::Tenants, Answer::Tenants(Err(refused())));
        play
    });
}

#[test]
fn a_deploy_builds() {
    insta::assert_snapshot!("building_120x36", building(120, 36).picture());
    let narrow = building(80, 24);
    insta::assert_snapshot!("building_80x24", narrow.picture());
}

#[test]
fn a_deploy_pushes() {
    insta::assert_snapshot!("pushing_120x36", pushing(120, 36).picture());
    insta::assert_snapshot!("pushing_100x30", pushing(100, 30).picture());
}

#[test]
fn a_deploy_succeeded() {
    let mut play = pushing(120, 36);
    play.answer(
        deploy_job(),
        deployed_answer(Ok(DeployOutcome {
            app_url: Some("http://127.0.0.1:49153".to_owned()),
            digest: Digest::new(&format!("sha256:5e1f2a9c{}", "0".repeat(56))).unwrap(),
            image_id: None,
            took: Duration::from_millis(9_800),
        })),
    );
    insta::assert_snapshot!("deployed_120x36", play.picture());
}

#[test]
fn a_deploy_failed() {
    let mut play = building(120, 36);
    let problem = Problem::new("The image could not be built.")
        .detail("Step 3/6 : COPY part-3 /app/part-3: file not found in build context: stat part-3: file does not exist")
        .hint("Build the project so that part-3 exists, then press d.");
    let took = Duration::from_millis(1600);
    say(&mut play, DeployProgress::Failed { step: DeployStep::Build, problem: problem.clone(), took });
    play.answer(deploy_job(), deployed_answer(Err(problem)));
    insta::assert_snapshot!("deploy_failed_120x36", play.picture());
}

#[test]
fn a_deploy_without_docker_is_explained_in_place() {
    let mut play = filled(120, 36);
    let problem = Problem::new("Docker does not answer.")
        .detail("/var/run/docker.sock: permission denied")
        .hint("Add yourself to the group docker and log in again.");
    play.app.shared.engine = crate::tui::app::Health::Down(problem);
    play.keys(&[Key::Char('d')]);
    insta::assert_snapshot!("no_docker_120x36", play.picture());
}

#[test]
fn streams_that_were_lost_say_so() {
    let mut play = filled(120, 36);
    play.answer(
        Slot::EventFeed,
        event_answer(Live::Interrupted {
            attempt: 1,
            retry_in: Duration::from_secs(2),
            problem: Problem::new("Live updates interrupted.").detail("The server closed the connection."),
        }),
    );
    play.answer(log_feed(), log_answer(Live::Failed(Problem::new("The log cannot be read."))));
    insta::assert_snapshot!("interrupted_120x36", play.picture());
}

pub fn plans() -> Vec<Plan> {
    let price = |amount: &str| Price { amount: amount.into(), currency: "EUR".into(), interval: "month".into() };
    [("Free", 256, 1, "0.00"), ("Basic", 1024, 10, "9.00"), ("Pro", 2048, 20, "29.00")]
        .map(|(name, memory, volume, amount)| Plan {
            id: name.to_lowercase(),
            name: name.to_owned(),
            paddle_price_id: format!("pri_{name}"),
            memory_mb_default: memory,
            volume_gb: volume,
            max_tenants: (name == "Free").then_some(1),
            price: Some(price(amount)),
            ..Plan::default()
        })
        .to_vec()
}

pub fn begin_purchase(play: &mut Play) {
    play.answer(
        Slot::Checkout,
        Answer::Checkout(Ok(CheckoutSession {
            checkout_url: format!("http://127.0.0.1:8765/sandbox/pay/txn_{}", "01k9x7h2".repeat(6)),
            transaction_id: None,
            checkout_session_id: Some(SessionId::new("cs_1").unwrap()),
        })),
    );
}

/// A purchase that waits for its payment.
pub fn paying(width: u16, height: u16) -> Play {
    let mut play = filled(width, height);
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(plans())));
    play.keys(&[Key::Down, Key::Enter, Key::Enter, Key::Enter]);
    begin_purchase(&mut play);
    play
}

#[test]
fn buying_step_by_step() {
    let mut play = Play::ready(100, 30, Vec::new());
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(plans())));
    play.keys(&[Key::Down]);
    insta::assert_snapshot!("plans_100x30", play.picture());
    play.keys(&[Key::Enter, Key::Char('j')]);
    insta::assert_snapshot!("regions_100x30", play.picture());
    play.keys(&[Key::Enter]);
    insta::assert_snapshot!("options_100x30", play.picture());
    play.keys(&[Key::Enter]);
    begin_purchase(&mut play);
    insta::assert_snapshot!("payment_100x30", play.picture());
    play.keys(&[Key::Char('c')]);
    insta::assert_snapshot!("payment_code_100x30", play.picture());
    play.send(Msg::Resized { width: 60, height: 16 });
    assert!(play.text().contains("The code needs a terminal of at least"));
    play.send(Msg::Resized { width: 120, height: 50 });
    play.keys(&[Key::Char('c')]);
    insta::assert_snapshot!("payment_120x50", play.picture());
    play.keys(&[Key::Char('y')]);
    assert!(play.copied().is_some_and(|(text, _)| text.ends_with("01k9x7h2")));
    play.keys(&[Key::Esc]);
    assert!(play.app.shared.purchase.as_ref().is_some_and(Purchase::waits_for_payment));
    assert!(play.text().contains("a purchase waits for its payment"));
}

#[test]
fn the_help_is_made_from_the_table() {
    let mut play = Play::ready(120, 150, tenants());
    play.keys(&[Key::Char('?')]);
    insta::assert_snapshot!("help_120x150", play.picture());
    let text = play.text();
    for command in crate::tui::commands::table().filter(|command| command.scope == crate::tui::commands::Scope::Main) {
        let first: String = command.help.chars().take(24).collect();
        assert!(text.contains(&first), "{first:?} is not in the help");
    }
}

#[test]
fn the_question_has_no_selected() {
    let mut play = building(100, 30);
    play.keys(&[Key::Char('q')]);
    insta::assert_snapshot!("leave_100x30", play.picture());
}

#[test]
fn a_terminal_that_is_too_small_is_told_its_size() {
    let play = filled(20, 5);
    let text = play.text();
    assert_eq!(text.lines().next(), Some("needs 60×16         "));
    assert!(text.lines().skip(1).all(|line| line.trim().is_empty()));
    assert!(filled(59, 16).text().starts_with("tenantry needs 60×16, this is 59×16"));
}
