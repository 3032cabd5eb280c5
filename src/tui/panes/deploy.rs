//! The deploy pane's state: what is known of each tenant's last deploy, step by step. How it looks is in
//! `deploy/draw.rs`.

mod draw;

pub use draw::{draw, wanted_rows};

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::progress::{
    BuildProgress, DeployOutcome, DeployProgress, DeployStep, LayerProgress, LayerState, Vertex,
};
use crate::model::{Problem, TenantId};
use crate::tui::app::Moment;

/// Lines of output kept for the step under way.
const TAIL: usize = 200;

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Step {
    /// To come.
    #[default]
    Pending,
    /// Under way.
    Running {
        /// Since the start of the program.
        since: Duration,
    },
    /// Done.
    Done {
        /// What came out of it.
        summary: String,
        /// How long it took.
        took: Duration,
    },
    /// Not needed.
    Skipped {
        /// Why.
        why: String,
    },
    /// Failed.
    Failed {
        /// How long it took.
        took: Duration,
    },
}

/// The image build, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Build {
    context: u64,
    vertexes: Vec<Vertex>,
}

/// One layer on its way; what it has uploaded never shrinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    id: String,
    state: LayerState,
    /// The largest size that was said, in bytes; 0 where none was.
    total: u64,
    /// The most that was said to be sent, in bytes.
    sent: u64,
}

/// One deploy from key press to end.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The tenant's name when it began.
    pub name: String,
    /// True once it was asked to stop.
    pub cancelling: bool,
    began: Moment,
    /// One for every step, [`DeployStep::Rollback`] last.
    steps: [Step; DeployStep::ALL.len() + 1],
    build: Build,
    layers: Vec<Layer>,
    /// The largest share of the push that was shown, in thousandths: a bar only grows.
    share: u16,
    output: VecDeque<String>,
    /// How it ended, when, and after how long.
    end: Option<(Result<DeployOutcome, Problem>, Moment)>,
}

impl Run {
    fn new(name: String, began: Moment) -> Self {
        Self {
            name,
            cancelling: false,
            began,
            steps: std::array::from_fn(|_| Step::Pending),
            build: Build::default(),
            layers: Vec::new(),
            share: 0,
            output: VecDeque::new(),
            end: None,
        }
    }

    /// How it ended.
    #[must_use]
    pub fn result(&self) -> Option<&Result<DeployOutcome, Problem>> {
        self.end.as_ref().map(|(result, _)| result)
    }

    /// True once the server was asked to run the image: stopping it is no longer ours.
    #[must_use]
    pub fn is_with_server(&self) -> bool {
        self.steps[DeployStep::Deploy as usize] != Step::Pending
    }

    fn say(&mut self, line: String) {
        if self.output.len() == TAIL {
            self.output.pop_front();
        }
        self.output.push_back(line);
    }

    fn take(&mut self, progress: DeployProgress, now: Moment) {
        match progress {
            DeployProgress::Started { step } => {
                self.output.clear();
                self.steps[step as usize] = Step::Running { since: now.running };
            }
            DeployProgress::Output { line, .. } => self.say(line),
            DeployProgress::Build { progress } => self.built(progress),
            DeployProgress::Push { layer } => self.pushed(&layer),
            DeployProgress::Check { .. } => {}
            DeployProgress::Advice { advice } => self.say(format!("{} {}", advice.finding, advice.edit)),
            DeployProgress::Finished { step, summary, took } => {
                self.steps[step as usize] = Step::Done { summary, took };
            }
            DeployProgress::Skipped { step, why } => self.steps[step as usize] = Step::Skipped { why },
            DeployProgress::Failed { step, took, .. } => self.steps[step as usize] = Step::Failed { took },
        }
    }

    fn built(&mut self, progress: BuildProgress) {
        match progress {
            BuildProgress::Began { .. } => self.build = Build::default(),
            BuildProgress::Context { sent } => self.build.context = self.build.context.max(sent),
            BuildProgress::Vertex(vertex) => self.moved(vertex),
            BuildProgress::Output { line, .. } => self.say(line),
            BuildProgress::Transfer { .. } => {}
        }
    }

    fn moved(&mut self, vertex: Vertex) {
        let known = self.build.vertexes.iter_mut().find(|known| known.number == vertex.number);
        if let Some(known) = known {
            *known = vertex;
        } else {
            self.say(vertex.name.clone());
            self.build.vertexes.push(vertex);
        }
    }

    fn pushed(&mut self, progress: &LayerProgress) {
        let place = self.layers.iter().position(|layer| layer.id == progress.id).unwrap_or_else(|| {
            self.layers.push(Layer { id: progress.id.clone(), state: LayerState::Waiting, total: 0, sent: 0 });
            self.layers.len() - 1
        });
        let Some(layer) = self.layers.get_mut(place) else { return };
        layer.state = progress.state;
        match progress.state {
            LayerState::Pushing { current, total } => {
                layer.total = layer.total.max(total);
                layer.sent = layer.sent.max(current);
            }
            LayerState::Pushed => {
                layer.total = layer.total.max(layer.sent);
                layer.sent = layer.total;
            }
            LayerState::Waiting | LayerState::AlreadyThere => {}
        }
        let (sent, total) = self.sent();
        if total > 0 {
            let share = u16::try_from(u128::from(sent) * 1000 / u128::from(total)).unwrap_or(1000).min(1000);
            self.share = self.share.max(share);
        }
    }

    /// Bytes sent and to send, as far as the engine says.
    fn sent(&self) -> (u64, u64) {
        let sum = |value: fn(&Layer) -> u64| {
            self.layers
                .iter()
                .filter(|layer| layer.state != LayerState::AlreadyThere)
                .fold(0_u64, |sum, layer| sum.saturating_add(value(layer)))
        };
        let total = sum(|layer| layer.total);
        (sum(|layer| layer.sent.min(layer.total)), total)
    }

    fn end(&mut self, result: Result<DeployOutcome, Problem>, now: Moment) {
        for step in &mut self.steps {
            // A deploy that was stopped or lost says nothing about the step it was in.
            if let (Step::Running { since }, Err(_)) = (&step, &result) {
                *step = Step::Failed { took: now.running.saturating_sub(*since) };
            }
        }
        self.end = Some((result, now));
    }
}

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    runs: BTreeMap<TenantId, Run>,
    running: Option<TenantId>,
    /// Why the last press of the deploy key did nothing.
    pub refusal: Option<Problem>,
    /// How far the pane is scrolled down.
    pub scroll: usize,
}

impl State {
    /// Begins a deploy.
    pub fn begin(&mut self, id: TenantId, name: String, now: Moment) {
        self.refusal = None;
        self.scroll = 0;
        self.runs.insert(id.clone(), Run::new(name, now));
        self.running = Some(id);
    }

    /// The running deploy.
    #[must_use]
    pub fn running(&self) -> Option<&Run> {
        self.running.as_ref().and_then(|id| self.runs.get(id))
    }

    /// The tenant that is being deployed.
    #[must_use]
    pub fn running_id(&self) -> Option<&TenantId> {
        self.running.as_ref()
    }

    /// The last deploy of a tenant since the program started.
    #[must_use]
    pub fn of(&self, id: &TenantId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// What the step printed that failed with this problem, oldest first.
    pub fn output_of(&self, problem: &Problem) -> impl Iterator<Item = &str> {
        let run = self.runs.values().find(|run| matches!(run.result(), Some(Err(failed)) if failed == problem));
        run.into_iter().flat_map(|run| run.output.iter().map(String::as_str))
    }

    /// The running deploy says something.
    pub fn take(&mut self, progress: DeployProgress, now: Moment) {
        if let Some(run) = self.running.as_ref().and_then(|id| self.runs.get_mut(id)) {
            run.take(progress, now);
        }
    }

    /// The running deploy is asked to stop.
    pub fn cancel(&mut self) {
        if let Some(run) = self.running.as_ref().and_then(|id| self.runs.get_mut(id)) {
            run.cancelling = true;
        }
    }

    /// The running deploy has ended; hands back its tenant and name.
    pub fn end(&mut self, result: Result<DeployOutcome, Problem>, now: Moment) -> Option<(TenantId, String)> {
        let id = self.running.take()?;
        let run = self.runs.get_mut(&id)?;
        run.end(result, now);
        Some((id, run.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{moment, tenant_id};

    fn layer(id: &str, state: LayerState) -> DeployProgress {
        DeployProgress::Push { layer: LayerProgress { id: id.into(), state } }
    }

    #[test]
    fn the_bar_of_a_push_only_grows() {
        let mut state = State::default();
        state.begin(tenant_id(1), "orchard".into(), moment(0));
        let mut last = 0;
        for progress in [
            layer("a", LayerState::Pushing { current: 50, total: 100 }),
            layer("b", LayerState::Pushing { current: 0, total: 1000 }),
            layer("b", LayerState::Pushing { current: 900, total: 1000 }),
            layer("a", LayerState::Pushing { current: 120, total: 100 }),
            layer("a", LayerState::Pushed),
            layer("b", LayerState::Pushed),
        ] {
            state.take(progress, moment(1));
            let share = state.running().expect("runs").share;
            assert!((last..=1000).contains(&share));
            last = share;
        }
        assert_eq!(last, 1000);
    }

    #[test]
    fn a_deploy_that_is_stopped_marks_the_step_it_was_in() {
        let mut state = State::default();
        state.begin(tenant_id(1), "orchard".into(), moment(0));
        state.take(DeployProgress::Started { step: DeployStep::Build }, moment(1));
        state.cancel();
        assert!(state.running().expect("runs").cancelling);
        state.end(Err(Problem::new("Stopped.")), moment(3));
        assert!(state.running().is_none());
        let run = state.of(&tenant_id(1)).expect("kept");
        assert_eq!(run.steps[DeployStep::Build as usize], Step::Failed { took: Duration::from_secs(2) });
    }
}
