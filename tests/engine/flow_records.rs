//! What a deploy leaves behind: its record, and the tenant's secrets.

use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;
use libtest_mimic::{Failed, Trial};
use std::collections::HashMap;
use std::fs;
use std::process::Command;
use std::time::Duration;
use tenantry::demo::sample;
use tenantry::model::progress::{Builder, DeployStep};
use tenantry::model::{DeployEnd, StepResult};
use tenantry::ops::deploy::Options;

use crate::flow::{records, serves};
use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("flow::a_deploy_is_recorded_with_its_revision", a_deploy_is_recorded),
        trial("flow::the_profiles_secrets_reach_the_tenant", secrets_reach_the_tenant),
    ]
}

fn git(world: &World, arguments: &[&str]) -> Result<String, Failed> {
    let settings = ["-c", "user.name=Mara", "-c", "user.email=mara@orchard.example", "-c", "commit.gpgsign=false"];
    let ran = Command::new("git").current_dir(world.file("")).args(settings).args(arguments).output()?;
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    Ok(String::from_utf8(ran.stdout)?.trim().to_owned())
}

async fn a_deploy_is_recorded() -> Outcome {
    let world = World::new().await;
    fs::write(world.file(".gitignore"), "target\nCargo.lock\n")?;
    git(&world, &["init", "-q"])?;
    git(&world, &["add", "."])?;
    git(&world, &["commit", "-q", "-m", "Version 1"])?;
    let commit = git(&world, &["rev-parse", "HEAD"])?;
    let (outcome, _) = serves(&world, &Options::default(), 1).await;
    let record = records(&world).await?.remove(0);
    assert_eq!(record.outcome, DeployEnd::Succeeded);
    assert_eq!((record.digest.as_ref(), &record.image_id), (Some(&outcome.digest), &outcome.image_id));
    assert!(matches!(record.builder, Some(Builder::BuildKit | Builder::Classic)), "{record:?}");
    assert_eq!(record.git.as_ref().map(|git| (git.commit.as_str(), git.dirty)), Some((commit.as_str(), false)));
    assert_eq!(record.by, Some(world.session.client().me().await?.user.email));
    assert_eq!(record.tenant_name, world.session.client().tenant(&world.tenant).await?.name);
    let image = world.session.client().registry_token(&world.tenant).await?.image()?;
    assert_eq!(record.image, image.to_string());
    let steps: Vec<DeployStep> = record.steps.iter().map(|known| known.step).collect();
    assert_eq!(steps, DeployStep::ALL);
    assert!(record.steps.iter().all(|known| known.result == StepResult::Done), "{record:?}");
    let total: u64 = record.steps.iter().map(|known| known.took_ms).sum();
    assert!(record.took_ms >= total && total > 0, "{record:?}");

    sample::change(&world.file(""), 1, 2).await?;
    serves(&world, &Options::default(), 2).await;
    let record = records(&world).await?.remove(0);
    assert_eq!(record.git.map(|git| (git.commit, git.dirty)), Some((commit, true)));
    Ok(())
}

async fn secrets_reach_the_tenant() -> Outcome {
    let world = World::new().await;
    let profile = world.file(".systemprompt/profiles/orchard");
    fs::create_dir_all(&profile)?;
    let settings = include_str!("../../.systemprompt.example/profiles/example/profile.yaml")
        .replace("tenant_id: \"\"", &format!("tenant_id: {}", world.tenant));
    fs::write(profile.join("profile.yaml"), settings)?;
    let secrets = serde_json::json!({
        "jwt_secret": "hunter2-jwt-secret-of-a-good-length-indeed",
        "manifest_signing_secret_seed": "aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMg==",
        "oauth_at_rest_pepper": "hunter2-pepper-of-a-good-length-indeed-yes",
        "database_url": "postgres://orchard:hunter2@127.0.0.1:1/orchard",
        "openai": "sk-hunter2",
        "my_flag": "hunter2-flag",
    });
    fs::write(profile.join("secrets.json"), secrets.to_string())?;
    fs::write(profile.join("signing_key.pem"), "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n")?;

    let (_, said) = serves(&world, &Options::default(), 1).await;
    let told = format!("{said:?} {:?}", records(&world).await?);
    assert!(!told.contains("hunter2"), "{told}");
    let (status, keys) = world.call(reqwest::Method::GET, "/secrets", None).await;
    assert_eq!(status, 200, "{keys}");
    for key in ["OPENAI_API_KEY", "MY_FLAG", "SIGNING_KEY_PEM", "SYSTEMPROMPT_PROFILE", "SYSTEMPROMPT_API_TOKEN"] {
        assert!(keys["keys"].as_array().is_some_and(|keys| keys.iter().any(|known| known == key)), "{key}: {keys}");
    }
    let environment = environment(&world).await?;
    for (name, value) in [
        ("OPENAI_API_KEY", "sk-hunter2"),
        ("MY_FLAG", "hunter2-flag"),
        ("SYSTEMPROMPT_CLI_REMOTE", "true"),
        ("SYSTEMPROMPT_PROFILE", "/app/services/profiles/orchard/profile.yaml"),
    ] {
        assert_eq!(environment.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(
        environment.get("SIGNING_KEY_PEM").is_some_and(|key| key.starts_with("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"))
    );

    // Left as they are where that is asked for.
    let secrets = secrets.to_string().replace("hunter2-flag", "hunter3-flag");
    fs::write(profile.join("secrets.json"), secrets)?;
    serves(&world, &Options { sync_secrets: false, ..Options::default() }, 1).await;
    assert_eq!(self::environment(&world).await?.get("MY_FLAG").map(String::as_str), Some("hunter2-flag"));
    serves(&world, &Options::default(), 1).await;
    assert_eq!(self::environment(&world).await?.get("MY_FLAG").map(String::as_str), Some("hunter3-flag"));
    Ok(())
}

/// The environment of the tenant's machine, once the one before it is gone.
async fn environment(world: &World) -> Result<HashMap<String, String>, Failed> {
    let docker = Docker::connect_with_defaults()?;
    let label = HashMap::from([("label", vec![format!("dev.tenantry.tenant={}", world.tenant)])]);
    let options = ListContainersOptionsBuilder::new().filters(&label).build();
    let only_one = async {
        loop {
            let listed = docker.list_containers(Some(options.clone())).await?;
            if let [one] = listed.as_slice() {
                return Ok::<_, Failed>(one.id.clone().ok_or("an id")?);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let machine = tokio::time::timeout(Duration::from_secs(30), only_one).await??;
    let inspected = docker.inspect_container(&machine, None).await?;
    let lines = inspected.config.and_then(|config| config.env).unwrap_or_default();
    let split = |line: String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(lines.into_iter().filter_map(split).collect())
}
