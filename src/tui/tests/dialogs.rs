//! Pictures of what opens above the panes, and of several deploys at once, styles included, at three sizes.

use super::pictures::{at_each_size, filled, say};
use crate::model::Problem;
use crate::model::progress::{DeployProgress, DeployStep};
use crate::tui::app::ContextChoice;
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, tenant, tenant_id, typed};

fn opened(width: u16, height: u16, keys: &[Key]) -> Play {
    let mut play = filled(width, height);
    play.keys(keys);
    play
}

fn contexts() -> Vec<ContextChoice> {
    [("sandbox", false), ("staging", false), ("production", true)]
        .map(|(name, protected)| ContextChoice { name: name.to_owned(), api: format!("api.{name}.example"), protected })
        .to_vec()
}

/// Three running tenants.
fn three(width: u16, height: u16) -> Play {
    let tenants = [(1, "orchard"), (2, "docs"), (3, "labs")].map(|(number, name)| tenant(number, name, "running"));
    let mut play = Play::ready(width, height, tenants.to_vec());
    play.tick(1);
    play
}

/// Two deploys as one job, and a third of its own; the first has failed.
fn deploying(width: u16, height: u16) -> Play {
    let mut play = three(width, height);
    play.keys(&[Key::Char(' '), Key::Char(' '), Key::Char('d'), Key::Char('y')]);
    let group = play.ticket(Slot::Deploy(tenant_id(1)));
    say(&mut play, DeployProgress::Started { step: DeployStep::Build });
    play.tick(4);
    let said = DeployProgress::Started { step: DeployStep::Push };
    play.send(Msg::Answer(group.clone(), Answer::DeployProgress(tenant_id(2), said)));
    play.keys(&[Key::Char('0'), Key::Char('G'), Key::Char('d')]);
    let failed =
        Problem::new("The registry refuses the image.").hint("Rotate the registry's token, then deploy again.");
    play.send(Msg::Answer(group, Answer::Deployed(tenant_id(1), Err(failed))));
    play.tick(9);
    play
}

#[test]
fn what_runs_in_the_background() {
    at_each_size("jobs", |width, height| {
        let mut play = deploying(width, height);
        play.keys(&[Key::Char('J'), Key::Down, Key::Down]);
        play
    });
}

#[test]
fn nothing_in_the_background() {
    at_each_size("jobs_none", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.keys(&[Key::Char('J')]);
        play
    });
}

#[test]
fn several_deploys_at_once() {
    at_each_size("deploy_several", |width, height| {
        let mut play = deploying(width, height);
        play.app.shared.toast = None;
        play
    });
}

#[test]
fn the_help_at_each_size() {
    at_each_size("help", |width, height| opened(width, height, &[Key::Char('?')]));
}

#[test]
fn the_palette_at_each_size() {
    at_each_size("palette", |width, height| {
        let mut play = opened(width, height, &[Key::Char(':')]);
        typed(&mut play, "re");
        play.keys(&[Key::Down]);
        play
    });
}

#[test]
fn another_context() {
    at_each_size("contexts", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.options.contexts = contexts();
        play.keys(&[Key::Char('C')]);
        play
    });
}

#[test]
fn no_other_context_now() {
    at_each_size("contexts_busy", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.options.contexts = contexts();
        play.keys(&[Key::Char('r'), Key::Char('y'), Key::Char('C')]);
        play
    });
}

#[test]
fn an_unlock() {
    at_each_size("unlock", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::Protected;
        play.keys(&[Key::Char('U')]);
        typed(&mut play, "sand");
        play
    });
}

#[test]
fn a_question_that_wants_the_name() {
    at_each_size("delete", |width, height| {
        let mut play = opened(width, height, &[Key::Char('t'), Key::Char('d')]);
        typed(&mut play, "orchar");
        play
    });
    at_each_size("delete_typed", |width, height| {
        let mut play = opened(width, height, &[Key::Char('t'), Key::Char('d')]);
        typed(&mut play, "orchard");
        play
    });
}

#[test]
fn leaving_what_is_under_way() {
    at_each_size("leave", |width, height| opened(width, height, &[Key::Char('r'), Key::Char('y'), Key::Char('q')]));
}

#[test]
fn a_problem_in_full() {
    at_each_size("problem", |width, height| {
        let mut play = filled(width, height);
        let problem = Problem::new("The Management API is not reachable.")
            .detail("http://127.0.0.1:8765/api/v1/tenants: error sending request: connection refused (os error 111)")
            .hint("Check the network and the address.");
        play.app.shared.tell(&problem);
        play.keys(&[Key::Char('e')]);
        play
    });
}

#[test]
fn too_small_for_anything() {
    for (name, width, height) in [("too_small_59x16", 59, 16), ("too_small_60x15", 60, 15), ("too_small_20x5", 20, 5)] {
        insta::assert_snapshot!(name, filled(width, height).picture());
    }
    let mut play = opened(120, 36, &[Key::Char('r'), Key::Char('y'), Key::Char('q')]);
    play.send(Msg::Resized { width: 40, height: 4 });
    insta::assert_snapshot!("too_small_leave_40x4", play.picture());
    let mut play = opened(120, 36, &[Key::Char('r')]);
    play.send(Msg::Resized { width: 40, height: 4 });
    insta::assert_snapshot!("too_small_question_40x4", play.picture());
}
