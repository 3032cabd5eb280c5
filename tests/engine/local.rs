//! Local tenants on the real engine, with a Postgres that is really one.

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, PortBinding};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use futures_util::FutureExt as _;
use libtest_mimic::{Failed, Trial};
use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tenantry::model::progress::{LocalProgress, LocalStep};
use tenantry::model::{LocalState, LocalTenant, Problem};
use tenantry::ops::local::{self, LABEL, Order, Source};
use tenantry::workspace::Project;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{Outcome, trial};
use crate::{local_registry, postgres_image};

/// The label of a test's images and of whatever runs from them.
const INSTANCE: &str = "dev.tenantry.instance";

pub fn trials() -> Vec<Trial> {
    if postgres_image::found().is_none() {
        eprintln!("\nSKIPPED the tests of local tenants: no Postgres of Debian's is installed here.\n");
        return Vec::new();
    }
    vec![
        trial("local::it_is_made_used_stopped_started_and_deleted", || in_place(whole_life)),
        trial("local::cancelling_at_any_step_leaves_nothing", || in_place(cancelled)),
        trial("local::what_fails_says_why_and_the_same_order_goes_on_with_it", || in_place(goes_on)),
        trial("local::what_is_somebody_elses_is_not_touched", || in_place(not_ours)),
        trial("local::an_image_that_cannot_be_had_leaves_nothing", || in_place(no_image)),
        trial("local::an_image_that_anybody_may_have_is_pulled", || in_place(pulled)),
    ]
}

/// A test's project and what it makes on the engine.
pub struct Place {
    pub docker: Docker,
    pub project: Project,
    /// Of this test alone; the names of its tenants begin with it, and so do those of its volumes.
    pub mark: String,
    _folder: tempfile::TempDir,
}

/// Runs a test in a place of its own and cleans up whatever happened in it.
pub async fn in_place<F, Fut>(test: F) -> Outcome
where
    F: FnOnce(Arc<Place>) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("project");
    std::fs::create_dir_all(root.join(".systemprompt"))?;
    std::fs::create_dir_all(root.join("services"))?;
    let mark = format!("t{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let docker = Docker::connect_with_defaults()?;
    let place = Arc::new(Place { docker, project: Project { root }, mark, _folder: folder });
    let outcome = AssertUnwindSafe(test(Arc::clone(&place))).catch_unwind().await;
    let cleaned = place.clean().await;
    match outcome {
        Ok(outcome) => outcome.and(cleaned),
        Err(panic) => resume_unwind(panic),
    }
}

impl Place {
    pub fn label(&self) -> String {
        format!("{INSTANCE}={}", self.mark)
    }

    fn image(&self, kind: &str) -> String {
        format!("tenantry-test/{kind}:{}", self.mark)
    }

    pub async fn postgres(&self) -> Result<String, Failed> {
        let image = self.image("postgres");
        postgres_image::postgres(&self.docker, &image, &self.label()).await?;
        Ok(image)
    }

    async fn script(&self, script: &str) -> Result<String, Failed> {
        let image = self.image("script");
        postgres_image::script(&self.docker, &image, &self.label(), script).await?;
        Ok(image)
    }

    fn order(&self, image: &str, port: Option<u16>) -> Order {
        Order { name: Some(self.mark.clone()), source: Source::Container { image: image.to_owned(), port } }
    }

    /// Makes one, and keeps what was said; cancels when `until` holds for something said.
    async fn create(
        &self,
        order: &Order,
        until: impl Fn(&LocalProgress) -> bool,
    ) -> (Result<LocalTenant, Problem>, Vec<LocalProgress>) {
        let (sender, mut receiver) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let work = async {
            let sender = sender;
            local::create(&self.project, order, &sender, &cancel).await
        };
        let listen = async {
            let mut said = Vec::new();
            while let Some(one) = receiver.recv().await {
                if until(&one) {
                    cancel.cancel();
                }
                said.push(one);
            }
            said
        };
        tokio::join!(work, listen)
    }

    async fn state(&self, tenant: &LocalTenant) -> Result<LocalState, Failed> {
        Ok(local::status(&self.project, tenant.id.as_str()).await?.state)
    }

    /// The tenant's container, where it has one.
    pub async fn containers(&self, label: &str) -> Result<Vec<String>, Failed> {
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await?;
        Ok(listed.into_iter().filter_map(|container| container.id).collect())
    }

    async fn volumes(&self) -> Result<Vec<String>, Failed> {
        let filters = HashMap::from([("name", vec![self.mark.as_str()])]);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let listed = self.docker.list_volumes(Some(options)).await?.volumes.unwrap_or_default();
        Ok(listed.into_iter().map(|volume| volume.name).collect())
    }

    fn compose_files(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.project.directory().join("docker"));
        folder.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    pub async fn listed(&self) -> Result<Vec<LocalTenant>, Failed> {
        Ok(local::all(&self.project).await?)
    }

    pub async fn assert_nothing(&self) -> Outcome {
        assert_eq!(self.containers(&self.label()).await?, Vec::<String>::new());
        assert_eq!(self.volumes().await?, Vec::<String>::new());
        assert_eq!(self.listed().await?, []);
        assert_eq!(self.compose_files(), Vec::<PathBuf>::new());
        Ok(())
    }

    async fn clean(&self) -> Outcome {
        for id in self.containers(&self.label()).await? {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            self.docker.remove_container(&id, Some(options)).await?;
        }
        for name in self.volumes().await? {
            self.docker.remove_volume(&name, Some(RemoveVolumeOptionsBuilder::new().force(true).build())).await?;
        }
        let label = self.label();
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let images = self.docker.list_images(Some(ListImagesOptionsBuilder::new().filters(&filters).build())).await?;
        for image in images {
            let options = RemoveImageOptionsBuilder::new().force(true).build();
            self.docker.remove_image(&image.id, Some(options), None).await?;
        }
        Ok(())
    }
}

pub type Here = Arc<Place>;

/// What a statement answers in the tenant's database.
pub fn sql(tenant: &LocalTenant, statement: &str) -> String {
    let url = tenant.database_url.as_ref().expect("an address").reveal();
    let psql = postgres_image::found().expect("Postgres").join("psql");
    let ran = Command::new(psql).arg(url).args(["-X", "-q", "-t", "-A", "-c", statement]).output().expect("psql");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

/// On a port of its own: while the tenant is stopped, a test beside this one takes the usual one.
async fn whole_life(place: Here) -> Outcome {
    let image = place.postgres().await?;
    let (made, said) = place.create(&place.order(&image, Some(free_port())), |_| false).await;
    let tenant = made?;
    let ended = said.iter().filter_map(|one| match one {
        LocalProgress::Finished { step, .. } => Some(*step),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), LocalStep::CONTAINER);
    assert_eq!(place.state(&tenant).await?, LocalState::Running);
    sql(&tenant, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')");

    // On loopback alone, labelled as ours, and as Compose would name it.
    let ids = place.containers(&format!("{LABEL}={}", tenant.id)).await?;
    assert_eq!(ids.len(), 1);
    let seen = place.docker.inspect_container(&ids[0], None::<InspectContainerOptions>).await?;
    let project = tenant.docker_project.clone().ok_or("a project")?;
    assert_eq!(seen.name, Some(format!("/{project}-postgres-1")));
    let host = seen.host_config.ok_or("limits")?;
    let bindings: Vec<PortBinding> = host.port_bindings.ok_or("ports")?.into_values().flatten().flatten().collect();
    assert!(bindings.iter().all(|binding| binding.host_ip.as_deref() == Some("127.0.0.1")), "{bindings:?}");
    assert_eq!(place.volumes().await?, [format!("{project}_data")]);
    let file = std::fs::read_to_string(&place.compose_files()[0])?;
    assert!(file.contains(&image) && file.contains("127.0.0.1:"), "{file}");
    assert_eq!(place.listed().await?, std::slice::from_ref(&tenant));

    // The same name is taken; nothing is made for it.
    let (again, _) = place.create(&place.order(&image, None), |_| false).await;
    assert!(again.expect_err("taken").title.contains("is called"), "the name is taken");

    local::stop(&place.project, &tenant.id).await?;
    assert_eq!(place.state(&tenant).await?, LocalState::Stopped);
    local::start(&place.project, &tenant.id).await?;
    assert_eq!(sql(&tenant, "SELECT word FROM kept"), "still here");

    // Without its container it is made again on the same data.
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    place.docker.remove_container(&ids[0], Some(options)).await?;
    assert_eq!(place.state(&tenant).await?, LocalState::Gone);
    local::start(&place.project, &tenant.id).await?;
    assert_eq!(sql(&tenant, "SELECT word FROM kept"), "still here");

    let renamed = local::rename(&place.project, &tenant.id, "another").await?;
    assert_eq!(renamed.name, "another");
    let deleted = local::delete(&place.project, &tenant.id, false).await?;
    assert_eq!(deleted.kept, [format!("{project}_data")]);
    assert_eq!((place.volumes().await?.len(), place.listed().await?.len(), place.compose_files().len()), (1, 0, 1));
    assert_eq!(place.containers(&place.label()).await?, Vec::<String>::new());

    // With its data.
    let (made, _) = place.create(&place.order(&image, None), |_| false).await;
    let second = made?;
    let deleted = local::delete(&place.project, &second.id, true).await?;
    assert_eq!((deleted.kept.len(), deleted.bring_back), (0, None));
    assert_eq!(place.volumes().await?, [format!("{project}_data")], "only its own");
    Ok(())
}

async fn cancelled(place: Here) -> Outcome {
    let image = place.postgres().await?;
    for at in LocalStep::CONTAINER {
        let begins = |said: &LocalProgress| matches!(said, LocalProgress::Started { step } if *step == at);
        let (made, _) = place.create(&place.order(&image, None), begins).await;
        match made {
            Err(problem) => assert_eq!(problem.title, "Cancelled.", "{at:?}: {problem:?}"),
            // The last step may be over before it is asked to stop.
            Ok(tenant) => {
                assert_eq!(at, LocalStep::Record);
                local::delete(&place.project, &tenant.id, true).await?;
            }
        }
        place.assert_nothing().await?;
    }
    Ok(())
}

async fn goes_on(place: Here) -> Outcome {
    let broken = place.script("echo the disk is full >&2; exit 3").await?;
    let (made, said) = place.create(&place.order(&broken, None), |_| false).await;
    let problem = made.expect_err("it ends at once");
    assert_eq!(problem.title, "The database did not start.");
    let detail = problem.detail.as_deref().ok_or("why")?;
    assert!(detail.contains("code 3") && detail.contains("the disk is full"), "{detail}");
    assert!(said.contains(&LocalProgress::Failed { step: LocalStep::Database }));
    let left = place.listed().await?;
    assert!(left.len() == 1 && left[0].unfinished, "{left:?}");
    let volumes = place.volumes().await?;
    assert_eq!(volumes.len(), 1);
    // An order that goes on with it and fails, or is cancelled, takes nothing of it away.
    let (made, _) = place.create(&place.order("127.0.0.1:1/no:such", None), |_| false).await;
    assert!(made.is_err());
    assert_eq!(place.volumes().await?, volumes);
    assert!(place.listed().await?.len() == 1);
    assert_eq!(local::status(&place.project, &place.mark).await?.tenant.id, left[0].id);

    // The same name, with an image that is one: it goes on with the same id, volume and password.
    let image = place.postgres().await?;
    let (made, _) = place.create(&place.order(&image, None), |_| false).await;
    let tenant = made?;
    assert_eq!((&tenant.id, &tenant.docker_project), (&left[0].id, &left[0].docker_project));
    assert!(!tenant.unfinished);
    assert_eq!(place.listed().await?, std::slice::from_ref(&tenant));
    assert_eq!(place.containers(&place.label()).await?.len(), 1);
    assert_eq!(sql(&tenant, "SELECT 1"), "1");
    // Also where the list says that it was never finished, its data go only when somebody says so.
    tenantry::workspace::tenants_change::change(&place.project, |entries| {
        entries.put(&LocalTenant { unfinished: true, ..tenant.clone() });
        Ok::<_, tenantry::workspace::WorkspaceError>(())
    })?;
    let deleted = local::delete(&place.project, &tenant.id, false).await?;
    assert_eq!(deleted.kept, volumes);
    assert_eq!(place.volumes().await?, volumes);
    tenantry::workspace::tenants_change::change(&place.project, |entries| {
        entries.put(&tenant);
        Ok::<_, tenantry::workspace::WorkspaceError>(())
    })?;
    // A delete that can be repeated.
    local::delete(&place.project, &tenant.id, true).await?;
    assert!(local::delete(&place.project, &tenant.id, true).await.is_err(), "it is not in the list any more");
    place.assert_nothing().await
}

/// Somebody else's container, from an image of this test, so that it is cleaned up.
async fn foreign(place: &Place, image: &str, port: Option<u16>, labels: &[(&str, &str)]) -> Result<String, Failed> {
    let bindings = port.map(|port| {
        let binding = PortBinding { host_ip: Some("127.0.0.1".into()), host_port: Some(port.to_string()) };
        HashMap::from([("5432/tcp".to_owned(), Some(vec![binding]))])
    });
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        labels: Some(labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        exposed_ports: Some(vec!["5432/tcp".into()]),
        host_config: Some(HostConfig { port_bindings: bindings, ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    };
    let name = format!("{}-foreign-{}", place.mark, uuid::Uuid::new_v4().simple());
    let options = CreateContainerOptionsBuilder::new().name(&name).build();
    let id = place.docker.create_container(Some(options), body).await?.id;
    place.docker.start_container(&id, None).await?;
    Ok(id)
}

async fn is_running(place: &Place, id: &str) -> Result<bool, Failed> {
    let seen = place.docker.inspect_container(id, None::<InspectContainerOptions>).await?;
    Ok(seen.state.and_then(|state| state.running) == Some(true))
}

pub fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("its address").port()
}

async fn not_ours(place: Here) -> Outcome {
    let sleeper = place.script("exec sleep 600").await?;
    let image = place.postgres().await?;
    let port = free_port();
    let other = foreign(&place, &sleeper, Some(port), &[]).await?;
    let (made, _) = place.create(&place.order(&image, Some(port)), |_| false).await;
    let problem = made.expect_err("the port is taken");
    assert!(problem.title.contains(&format!("Port {port} is taken.")), "{problem:?}");
    assert!(is_running(&place, &other).await?);
    assert_eq!(place.listed().await?, []);

    let (made, _) = place.create(&place.order(&image, None), |_| false).await;
    let tenant = made?;
    // One that only looks like ours: Compose's label and nothing else, and another tenant's.
    let project = tenant.docker_project.clone().ok_or("a project")?;
    let looks = foreign(&place, &sleeper, None, &[("com.docker.compose.project", &project)]).await?;
    let labels = [("com.docker.compose.project", project.as_str()), (LABEL, "local_other")];
    let another = foreign(&place, &sleeper, None, &labels).await?;
    local::stop(&place.project, &tenant.id).await?;
    local::delete(&place.project, &tenant.id, true).await?;
    for id in [&other, &looks, &another] {
        assert!(is_running(&place, id).await?, "somebody else's");
    }
    assert_eq!(place.containers(&format!("{LABEL}={}", tenant.id)).await?, Vec::<String>::new());
    Ok(())
}

async fn no_image(place: Here) -> Outcome {
    let (made, said) = place.create(&place.order("127.0.0.1:1/no/such:image", None), |_| false).await;
    let problem = made.expect_err("nobody is there");
    assert!(problem.title.contains("cannot be pulled") && problem.hint.is_some(), "{problem:?}");
    assert!(said.contains(&LocalProgress::Failed { step: LocalStep::Image }));
    place.assert_nothing().await
}

async fn pulled(place: Here) -> Outcome {
    let host = local_registry::serve((INSTANCE, &place.mark)).await?;
    let image = format!("{host}/some/postgres:one");
    let (made, said) = place.create(&place.order(&image, None), |_| false).await;
    let summary = format!("{image} is pulled");
    let is_pulled = said.iter().any(
        |one| matches!(one, LocalProgress::Finished { step: LocalStep::Image, summary: said, .. } if *said == summary),
    );
    assert!(is_pulled, "{said:?}");
    // Its program is not there: it cannot be started, and nothing but the image stays.
    let problem = made.expect_err("no program");
    assert!(problem.title == "Docker refused." && problem.hint.is_some(), "{problem:?}");
    place.assert_nothing().await
}
