//! Nothing changed, nothing built: on a real engine, with real base images.

use libtest_mimic::Trial;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tenantry::api::{BaseUrl, Client};
use tenantry::engine::{BuildRequest, Engine, FingerprintKey};
use tenantry::model::progress::{Builder, DeployProgress};
use tenantry::model::{ImageReference, Problem, Secret};
use tenantry::ops::image::{self, Made};
use tenantry::ops::{Done, Session};
use tenantry::workspace::{self, StateDirectory};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::project::Project;
use crate::support::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("skip::nothing_changed_is_not_built_again", nothing_changed_is_not_built_again),
        trial("skip::what_changed_is_built", what_changed_is_built),
        trial("skip::a_change_during_the_build_is_not_remembered", a_change_during_the_build_is_not_remembered),
        trial("skip::a_state_directory_that_cannot_be_written_is_no_failure", no_state_is_no_failure),
        trial("skip::a_large_copy_is_named", a_large_copy_is_named),
        trial("skip::a_base_image_that_fetches_something_is_never_the_same", a_base_image_that_fetches_something),
        trial("skip::the_second_look_at_many_files_is_quick", the_second_look_is_quick),
    ]
}

/// A project, and what is remembered of its builds.
struct Bench {
    project: Project,
    session: Session,
    /// Removed with it.
    _state: tempfile::TempDir,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let directory = StateDirectory::at(state.path().join("state"));
        Self::with_state(files, state, Some(directory))
    }

    fn with_state(files: &[(&str, &str)], state: tempfile::TempDir, directory: Option<StateDirectory>) -> Self {
        let project = Project::with(Builder::Classic, files);
        // Nobody listens there, and nothing is asked of it.
        let base = BaseUrl::parse("http://127.0.0.1:9").unwrap();
        let client = Client::new(base, Secret::new("none")).unwrap();
        let folder = workspace::Project { root: project.path().to_owned() };
        Self { session: Session::new(client, folder, directory), project, _state: state }
    }

    async fn make(&self) -> (Done<Made>, Vec<DeployProgress>) {
        let (done, said) = self.make_of(self.project.request(), false).await;
        (done.unwrap(), said)
    }

    async fn make_of(&self, request: BuildRequest, force: bool) -> (Result<Done<Made>, Problem>, Vec<DeployProgress>) {
        let (progress, mut received) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let making =
            async move { image::make(&self.session, &self.project.engine, request, force, &progress, &cancel).await };
        let reading = async {
            let mut all = Vec::new();
            while let Some(one) = received.recv().await {
                all.push(one);
            }
            all
        };
        tokio::join!(making, reading)
    }

    /// True when an image was built.
    async fn builds(&self) -> bool {
        let (done, said) = self.make().await;
        assert_eq!(done.was_skipped, said.is_empty(), "{said:?}");
        assert_eq!(done.value.builder, (!done.was_skipped).then_some(Builder::Classic));
        assert_eq!(self.project.engine.image_id(&self.project.image().to_string()).await.unwrap(), Some(done.value.id));
        !done.was_skipped
    }
}

async fn nothing_changed_is_not_built_again() -> Outcome {
    let bench = Bench::new(&[("file", "1")]);
    bench.project.dockerfile("COPY file /\n");
    let (first, said) = bench.make().await;
    assert!(!first.was_skipped && !said.is_empty());
    assert!(first.summary.starts_with("4 steps, 0 cached"), "{}", first.summary);

    let other = ImageReference::new(&bench.project.registry, "team/app", "other")?;
    let request = BuildRequest { image: other.clone(), ..bench.project.request() };
    let (second, said) = bench.make_of(request.clone(), false).await;
    let second = second?;
    assert!(second.was_skipped && said.is_empty(), "{said:?}");
    assert_eq!(second.value, Made { id: first.value.id.clone(), builder: None });
    let short = first.value.id.trim_start_matches("sha256:").get(..8).unwrap();
    assert_eq!(second.summary, format!("nothing changed since the build a moment ago; image {short}"));
    let named = bench.project.engine.image_id(&other.to_string()).await?;
    assert_eq!(named.as_deref(), Some(first.value.id.as_str()), "it has the other tenant's name too");
    assert!(!bench.builds().await, "and again");

    let (forced, said) = bench.make_of(request.clone(), true).await;
    assert!(!forced?.was_skipped && !said.is_empty());
    let (anew, said) = bench.make_of(BuildRequest { no_cache: true, ..request }, false).await;
    assert!(!anew?.was_skipped && !said.is_empty());
    assert!(!bench.builds().await, "what was built by force is as good");
    bench.project.clean_up().await;
    Ok(())
}

async fn what_changed_is_built() -> Outcome {
    let bench = Bench::new(&[("file", "1"), (".dockerignore", "ignored\n"), ("ignored", "1")]);
    let base = format!("{}/base:latest", bench.project.registry);
    let dockerfile = |label: &str| {
        bench.project.dockerfile(&format!("LABEL base={label}\nCOPY file /\n"));
    };
    // Two base images of one name after another.
    let mut bases = Vec::new();
    for label in ["one", "two"] {
        dockerfile(label);
        bases.push(bench.project.build().await.0?.id);
    }
    let tag = ImageReference::new(&bench.project.registry, "base", "latest")?;
    bench.project.engine.tag(&bases[0], &tag).await?;
    bench.project.write("Dockerfile", &format!("ARG BASE={base}\nFROM $BASE\nCOPY file /\n"));

    assert!(bench.builds().await, "the first time");
    assert!(!bench.builds().await);
    bench.project.write("file", "2");
    assert!(bench.builds().await, "another content of the same size");
    assert!(!bench.builds().await);
    bench.project.write("ignored", "2");
    assert!(!bench.builds().await, "what is not sent does not count");
    bench.project.engine.tag(&bases[1], &tag).await?;
    assert!(bench.builds().await, "another base image");
    assert!(!bench.builds().await);
    bench.project.engine.remove_image(&bench.project.image().to_string()).await?;
    assert!(bench.builds().await, "the image is gone");
    assert!(!bench.builds().await);
    bench.project.write("Dockerfile", &format!("FROM {base}\nADD file /\n"));
    assert!(bench.builds().await, "another Dockerfile");
    bench.project.clean_up().await;
    Ok(())
}

/// A file that changes after the look, and before or after the engine has it: neither content is taken for the built one.
async fn a_change_during_the_build_is_not_remembered() -> Outcome {
    for afterwards in ["1", "2"] {
        let bench = Bench::new(&[("a", "1")]);
        bench.project.dockerfile("COPY a /\n");
        let (progress, mut received) = mpsc::channel(1);
        let cancel = CancellationToken::new();
        let request = bench.project.request();
        let making = async {
            let made = image::make(&bench.session, &bench.project.engine, request, false, &progress, &cancel).await;
            drop(progress);
            made
        };
        let changing = async {
            while received.recv().await.is_some() {
                // In place: the engine must not meet an empty file.
                let mut file = std::fs::File::options().write(true).open(bench.project.path().join("a")).unwrap();
                file.write_all(b"2").unwrap();
            }
        };
        let (made, ()) = tokio::join!(making, changing);
        assert!(!made?.was_skipped);
        bench.project.write("a", afterwards);
        assert!(bench.builds().await, "nobody knows which of the two was built");
        assert!(!bench.builds().await);
        bench.project.clean_up().await;
    }
    Ok(())
}

/// Its instructions run in the builds that stand on it, and what they fetch cannot be seen from here.
async fn a_base_image_that_fetches_something() -> Outcome {
    let bench = Bench::new(&[]);
    let (engine, key) = (&bench.project.engine, FingerprintKey::new(&[1; 32]));
    assert_eq!(Some(engine.identity().await?), bench.project.docker.info().await?.id);
    for (trigger, is_same) in [("COPY file /", true), ("ADD https://example.com/x /", false)] {
        bench.project.dockerfile(&format!("ONBUILD {trigger}\n"));
        bench.project.build().await.0?;
        bench.project.write("Dockerfile", &format!("FROM {}\n", bench.project.image()));
        let request = bench.project.request();
        let (first, record) = engine.fingerprint(&request, Builder::Classic, &key, None).await?;
        let (second, _) = engine.fingerprint(&request, Builder::Classic, &key, Some(record)).await?;
        assert_eq!(first == second, is_same, "{trigger}");
    }
    bench.project.clean_up().await;
    Ok(())
}

async fn no_state_is_no_failure() -> Outcome {
    let state = tempfile::tempdir()?;
    let taken = state.path().join("taken");
    std::fs::write(&taken, "a file")?;
    for directory in [None, Some(StateDirectory::at(taken))] {
        let bench = Bench::with_state(&[("file", "1")], tempfile::tempdir()?, directory);
        bench.project.dockerfile("COPY file /\n");
        assert!(bench.builds().await);
        assert!(bench.builds().await, "nothing is remembered");
        bench.project.clean_up().await;
    }
    // A record that is damaged.
    let bench = Bench::new(&[("file", "1")]);
    bench.project.dockerfile("COPY file /\n");
    assert!(bench.builds().await);
    let records = bench.session.state().unwrap().path().join("fingerprints");
    for entry in std::fs::read_dir(records)?.flatten().filter(|entry| entry.path().extension().is_some()) {
        let content = std::fs::read(entry.path())?;
        std::fs::write(entry.path(), &content[..content.len() - 1])?;
    }
    assert!(bench.builds().await, "it is not believed");
    assert!(!bench.builds().await);
    bench.project.clean_up().await;
    Ok(())
}

async fn a_large_copy_is_named() -> Outcome {
    let bench = Bench::new(&[("web/index.html", "1")]);
    bench.project.dockerfile("COPY . /app\n");
    fill(&bench.project.path().join("vendor"), 4, 6_000_000);
    assert!(bench.builds().await);
    bench.project.write("web/index.html", "2");
    let (_, said) = bench.make().await;
    let advice: Vec<_> = said
        .iter()
        .filter_map(|one| match one {
            DeployProgress::Advice { advice } => Some(advice),
            _ => None,
        })
        .collect();
    let [advice] = advice[..] else { panic!("{said:?}") };
    assert!(advice.finding.starts_with("COPY . /app stores and pushes 24 MB again because 1 file"), "{advice:?}");
    assert!(advice.edit.contains("`COPY vendor /app/vendor`"), "{advice:?}");
    bench.project.clean_up().await;
    Ok(())
}

/// `count` files of `size` bytes that differ, in directories of a hundred.
fn fill(directory: &Path, count: usize, size: usize) {
    let mut content = vec![0_u8; size];
    for number in 0..count {
        let place = directory.join(format!("{}", number / 100));
        std::fs::create_dir_all(&place).unwrap();
        content[..8].copy_from_slice(&(number as u64).to_le_bytes());
        std::fs::write(place.join(format!("file-{number}")), &content).unwrap();
    }
}

/// Prints what it took; fails only where the second look plainly read everything again.
async fn the_second_look_is_quick() -> Outcome {
    let bench = Bench::new(&[]);
    bench.project.dockerfile("COPY . /\n");
    fill(&bench.project.path().join("files"), 2000, 100_000);
    let (engine, key): (&Engine, _) = (&bench.project.engine, FingerprintKey::new(&[1; 32]));
    let request = bench.project.request();
    let begun = Instant::now();
    let (fingerprint, mut record) = engine.fingerprint(&request, Builder::Classic, &key, None).await?;
    let first = begun.elapsed();
    // Files that were written just now are read again by every look until they are old enough.
    while record.has_news() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        record = engine.fingerprint(&request, Builder::Classic, &key, Some(record)).await?.1;
    }
    let mut looks = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let (again, same) = engine.fingerprint(&request, Builder::Classic, &key, Some(record.clone())).await?;
        looks.push(begun.elapsed());
        assert_eq!(again, fingerprint);
        assert!(!same.has_news(), "nothing is read");
    }
    let begun = Instant::now();
    engine.identity().await?;
    let asked = begun.elapsed();
    looks.sort();
    eprintln!(
        "2,000 files of 100 kB: first look {first:?}, the next {:?}, of which the engine's id {asked:?}",
        looks[2]
    );
    bench.project.clean_up().await;
    Ok(())
}
