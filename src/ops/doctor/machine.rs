//! The machine at hand: its engine, and the room on its disks.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::engine::Engine;
use crate::model::progress::Builder;
use crate::model::{Problem, text};
use crate::ops::Session;
use crate::workspace::Project;

/// Below this much room a deploy stops, bytes.
const FAIL: u64 = 200 * 1000 * 1000;
/// Below this much it warns, bytes.
const WARN: u64 = 1000 * 1000 * 1000;

/// The engine that a deploy would use, if it answers.
pub(super) async fn docker(session: &Session) -> (Finding, Option<(Engine, Builder)>) {
    const NAME: &str = "docker";
    let engine = match session.engine().await {
        Ok(engine) => engine,
        Err(problem) => return (Finding::fail(NAME, problem), None),
    };
    let info = match engine.ping().await {
        Ok(info) => info,
        Err(error) => return (Finding::fail(NAME, error.problem()), None),
    };
    let builder = match engine.builder().await {
        Ok(builder) => builder,
        Err(error) => return (Finding::fail(NAME, error.problem()), None),
    };
    let word = match builder {
        Builder::BuildKit => "BuildKit",
        Builder::Classic => "the classic builder",
    };
    let detail = format!("{} {} at {} ({}), {word}", info.name, info.version, engine.host(), engine.reason());
    (Finding::pass(NAME, detail), Some((engine, builder)))
}

/// The room where the project is and where the engine keeps its images; nothing to report where neither can be told.
pub(super) async fn disk(project: &Project, engine: Option<&Engine>) -> Option<Finding> {
    let mut places = vec![project.root.clone()];
    if let Some(engine) = engine
        && let Ok(Some(place)) = engine.data_directory().await
    {
        places.push(place);
    }
    let room = |place: PathBuf| free(&place).map(|free| (place, free));
    let found = tokio::task::spawn_blocking(move || places.into_iter().filter_map(room).collect::<Vec<_>>());
    judge(&found.await.ok()?)
}

fn judge(places: &[(PathBuf, u64)]) -> Option<Finding> {
    const NAME: &str = "disk";
    let least = places.iter().map(|(_, free)| *free).min()?;
    let shown = |place: &Path| text::short(&place.to_string_lossy(), 120);
    let all = places.iter().map(|(place, free)| format!("{} free at {}", bytes(*free), shown(place)));
    let detail = all.collect::<Vec<_>>().join(", ");
    let hint = "Make room: `docker builder prune` removes cached build steps, and keeps the images that a rollback brings back.";
    Some(match least {
        room if room < FAIL => {
            Finding::fail(NAME, Problem::new("The disk is nearly full.").detail(format!("{detail}.")).hint(hint))
        }
        room if room < WARN => Finding::warn(NAME, detail, hint),
        _ => Finding::pass(NAME, detail),
    })
}

/// What an ordinary user may still write there, bytes; `None` where the file system does not say so.
fn free(place: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(place).ok()?;
    (room.f_blocks > 0).then(|| room.f_bavail.saturating_mul(room.f_frsize))
}

fn bytes(count: u64) -> String {
    let megabytes = count / 1_000_000;
    if megabytes >= 1000 {
        format!("{}.{} GB", megabytes / 1000, megabytes % 1000 / 100)
    } else {
        format!("{megabytes} MB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CheckResult;

    #[test]
    fn the_place_with_the_least_room_decides() {
        for (room, expected) in [
            (&[FAIL - 1, WARN * 9][..], CheckResult::Fail),
            (&[WARN * 9, FAIL], CheckResult::Warn),
            (&[WARN - 1], CheckResult::Warn),
            (&[WARN, WARN], CheckResult::Pass),
        ] {
            let places: Vec<_> = room.iter().map(|free| (PathBuf::from("/x"), *free)).collect();
            let found = judge(&places).expect("a finding");
            assert_eq!(found.check.result, expected, "{room:?}");
            assert_eq!(found.check.hint.is_some(), expected != CheckResult::Pass);
        }
        assert!(judge(&[]).is_none());
        assert_eq!((bytes(12_345_678_901), bytes(199_999_999)), ("12.3 GB".into(), "199 MB".into()));
        assert!(free(Path::new("/")).is_some_and(|free| free > 0));
    }
}
