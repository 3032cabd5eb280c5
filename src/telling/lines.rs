//! A deploy as lines: one for everything that happened, for whoever reads it later or pipes it on.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use super::charset::Charset;
use super::format;
use crate::model::CheckResult;
use crate::model::progress::{BuildProgress, DeployProgress, LayerState, Vertex, VertexState};

/// Writes lines to standard output, each with the time since the first. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lines {
    begun: Arc<Instant>,
}

impl Lines {
    /// Begins to count.
    pub fn new() -> Self {
        Self { begun: Arc::new(Instant::now()) }
    }

    /// One line. A reader that went away is no reason to leave containers behind, so errors are nothing here.
    pub fn say(&self, what: &str, text: &str) {
        let elapsed = self.begun.elapsed().as_secs_f64();
        let _ = writeln!(std::io::stdout().lock(), "{elapsed:6.1} s  {what:<10} {text}");
    }
}

/// Makes a line of everything worth one. Says the end of a build's step and of a layer once, however often it comes.
#[derive(Debug, Default)]
pub struct Teller {
    /// The characters to write with.
    pub charset: Charset,
    vertexes: HashSet<u32>,
    layers: HashSet<String>,
}

impl Teller {
    /// What the line is about, and its text.
    pub fn line(&mut self, progress: &DeployProgress) -> Option<(&'static str, String)> {
        let (what, text) = self.told(progress)?;
        Some((what, self.charset.text(&text).into_owned()))
    }

    fn told(&mut self, progress: &DeployProgress) -> Option<(&'static str, String)> {
        Some(match progress {
            DeployProgress::Started { .. } => return None,
            DeployProgress::Output { step, line } => (step.word(), format!("  {line}")),
            DeployProgress::Check { check } => {
                let mark = mark(check.result);
                let hint = check.hint.as_ref().map_or_else(String::new, |hint| format!(" {hint}"));
                ("check", format!("  {mark} {}: {}{hint}", check.name, check.detail))
            }
            DeployProgress::Build { progress } => ("build", self.build(progress)?),
            DeployProgress::Push { layer } => {
                let words = match layer.state {
                    LayerState::Pushed => "pushed",
                    LayerState::AlreadyThere => "already there",
                    LayerState::Waiting | LayerState::Pushing { .. } => return None,
                };
                if !self.layers.insert(layer.id.clone()) {
                    return None;
                }
                ("push", format!("  {} {words}", layer.id))
            }
            DeployProgress::Advice { advice } => ("advice", format!("  {} {}", advice.finding, advice.edit)),
            DeployProgress::Finished { step, summary, took } => {
                (step.word(), format!("✓ {summary} ({})", format::duration(*took)))
            }
            DeployProgress::Skipped { step, why, .. } => (step.word(), format!("– {why}")),
            DeployProgress::Failed { step, problem, .. } => (step.word(), format!("✕ {problem}")),
        })
    }

    fn build(&mut self, progress: &BuildProgress) -> Option<String> {
        match progress {
            BuildProgress::Began { .. } => {
                self.vertexes.clear();
                None
            }
            BuildProgress::Vertex(vertex) => {
                let line = vertex_line(vertex)?;
                self.vertexes.insert(vertex.number).then_some(line)
            }
            BuildProgress::Output { line, .. } => Some(format!("    {line}")),
            BuildProgress::Context { .. } | BuildProgress::Transfer { .. } => None,
        }
    }
}

fn vertex_line(vertex: &Vertex) -> Option<String> {
    let name = &vertex.name;
    Some(match &vertex.state {
        VertexState::Waiting | VertexState::Running => return None,
        VertexState::Cached => format!("  {name} (cached)"),
        VertexState::Done { took } => format!("  {name} ({})", format::duration(*took)),
        VertexState::Failed { message } => format!("  ✕ {name}: {message}"),
    })
}

/// The sign of a check's result.
pub fn mark(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Pass => "✓",
        CheckResult::Warn => "!",
        CheckResult::Fail => "✕",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;

    #[test]
    fn a_deploy_as_lines() {
        let mut teller = Teller::default();
        let lines: Vec<_> = samples::deploy()
            .iter()
            .filter_map(|(_, said)| teller.line(said))
            .map(|(what, text)| format!("{what:<10} {text}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_failure_and_a_step_back_as_lines() {
        let mut teller = Teller::default();
        let lines: Vec<_> = samples::unhealthy()
            .iter()
            .filter_map(|said| teller.line(said))
            .map(|(what, text)| format!("{what:<10} {text}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
