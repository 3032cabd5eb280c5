//! Pictures of the deploy pane from its first check to its end, at three sizes, and what cancelling is called.

use std::time::Duration;

use super::pictures::{at_each_size, filled, say};
use crate::model::Problem;
use crate::model::progress::{BuildProgress, DeployOutcome, DeployProgress, DeployStep, Vertex, VertexState};
use crate::telling::samples;
use crate::tui::key::Key;
use crate::tui::msg::Msg;
use crate::tui::testing::{Play, deploy_job, deployed_answer, moment_at};

/// A deploy as far as `milliseconds` after its beginning.
fn deploying(width: u16, height: u16, milliseconds: u64) -> Play {
    let mut play = filled(width, height);
    begin(&mut play, 1000, milliseconds);
    play
}

fn begin(play: &mut Play, begun: u64, milliseconds: u64) {
    play.send(Msg::Tick(moment_at(begun)));
    play.keys(&[Key::Char('d')]);
    for (when, said) in samples::deploy() {
        if when <= milliseconds {
            play.send(Msg::Tick(moment_at(begun + when)));
            say(play, said);
        }
    }
    play.send(Msg::Tick(moment_at(begun + milliseconds)));
}

fn end(play: &mut Play, result: Result<DeployOutcome, Problem>) {
    play.answer(deploy_job(), deployed_answer(result));
}

#[test]
fn the_build_is_a_tree() {
    at_each_size("deploy_builds", |width, height| deploying(width, height, 3950));
}

#[test]
fn layers_have_bars_rates_and_an_estimate() {
    at_each_size("deploy_pushes", |width, height| deploying(width, height, 6400));
}

#[test]
fn the_second_deploy_is_compared_with_the_first() {
    at_each_size("deploy_again", |width, height| {
        let mut play = deploying(width, height, 9900);
        let first =
            DeployOutcome { digest: samples::digest("8b1c2d3e"), took: Duration::from_secs(14), ..samples::outcome() };
        end(&mut play, Ok(first));
        begin(&mut play, 20_000, 9900);
        end(&mut play, Ok(samples::outcome()));
        play.tick(40);
        play
    });
}

#[test]
fn a_step_of_the_build_that_fails_has_its_last_lines() {
    at_each_size("deploy_build_failed", |width, height| {
        let mut play = deploying(width, height, 3950);
        let message = "executor failed running [/bin/sh -c /app/bin/orchard check]: exit code: 3".to_owned();
        let state = VertexState::Failed { message };
        let vertex = Vertex { number: 4, name: "[3/4] RUN /app/bin/orchard check".into(), inputs: Vec::new(), state };
        say(&mut play, DeployProgress::Build { progress: BuildProgress::Vertex(vertex) });
        let problem = Problem::new("The image could not be built.")
            .detail("[3/4] RUN /app/bin/orchard check: exit code: 3")
            .hint("Mend the instruction, then press d.");
        let took = Duration::from_millis(1500);
        say(&mut play, DeployProgress::Failed { step: DeployStep::Build, problem: problem.clone(), took });
        end(&mut play, Err(problem));
        play
    });
}

#[test]
fn the_version_before_is_brought_back() {
    at_each_size("deploy_rolled_back", |width, height| {
        let mut play = deploying(width, height, 7000);
        for said in samples::unhealthy() {
            say(&mut play, said);
        }
        end(&mut play, Err(samples::not_healthy()));
        play
    });
}

#[test]
fn once_the_server_has_it_cancelling_is_detaching() {
    let mut play = deploying(120, 36, 6000);
    assert!(play.text().contains("c cancel"));
    begin_server(&mut play);
    assert!(play.text().contains("c detach"), "{}", play.text());
    play.keys(&[Key::Char('c')]);
    let text = play.text();
    assert!(text.contains("detaching") && text.contains("leaving it to the server"), "{text}");
}

fn begin_server(play: &mut Play) {
    say(play, DeployProgress::Started { step: DeployStep::Deploy });
}
