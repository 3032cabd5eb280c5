//! A deploy while the machine's clock is set: by libfaketime, below the built program alone.

use libtest_mimic::Trial;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tenantry::demo::sample;
use tenantry::model::DeployEnd;
use tenantry::ops::deploy::Options;

use crate::flow::{records, serves};
use crate::support::{Outcome, trial};
use crate::world::World;

/// Where distributions put it.
const PLACES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];
/// Longer than a deploy takes, shorter than the jump, milliseconds.
const SANE: u64 = 10 * 60 * 1000;

pub fn trials() -> Vec<Trial> {
    let Some(library) = PLACES.into_iter().find(|place| Path::new(place).is_file()) else {
        eprintln!("\nSKIPPED 1 test: libfaketime is not installed, so no clock can be set.\n");
        return Vec::new();
    };
    vec![trial("flow::the_clock_may_be_set_in_the_middle", move || the_clock_jumps(library))]
}

async fn the_clock_jumps(library: &'static str) -> Outcome {
    let world = World::new().await;
    let ordinary = Options::default();
    serves(&world, &ordinary, 1).await;
    let clock = world.file("../clock");
    for (version, offset) in [(2, "+1d"), (3, "-1d")] {
        sample::change(&world.file(""), version - 1, version).await?;
        fs::write(&clock, "+0")?;
        // The project's build sets the clock, so that it happens in the middle.
        let build = format!("exec env -u LD_PRELOAD sh -c 'printf %s {offset} > ../clock; sleep 0.3'");
        let build = serde_json::json!({ "command": ["sh", "-c", build] });
        fs::write(world.file(".systemprompt/build.json"), build.to_string())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command
            .args(["deploy", "--json"])
            .current_dir(world.file(""))
            .env("TENANTRY_STATE", world.file("../state"))
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .stdin(Stdio::null());
        let ran = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{offset}: {said}{}", String::from_utf8_lossy(&ran.stderr));
        let records = records(&world).await?;
        let record = records
            .iter()
            .find(|record| said.contains(record.digest.as_ref().map_or("none", |digest| digest.as_str())));
        let record = record.ok_or("its record")?;
        assert_eq!(record.outcome, DeployEnd::Succeeded);
        assert!(record.took_ms > 0 && record.took_ms < SANE, "{offset}: {record:?}");
        assert!(record.steps.iter().all(|known| known.took_ms <= record.took_ms), "{offset}: {record:?}");
        let status = world.session.client().status(&world.tenant).await?;
        let digest = record.digest.clone().ok_or("a digest")?;
        assert!(status.image.is_some_and(|image| image.ends_with(digest.as_str())), "{offset}");
    }
    Ok(())
}
