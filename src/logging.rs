//! Where `tracing` writes: never onto the screen. Stands outside of the rooms, for whoever starts the program.

use directories::ProjectDirs;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

fn filter() -> EnvFilter {
    EnvFilter::try_from_env("TENANTRY_LOG").unwrap_or_else(|_| EnvFilter::new("tenantry=info"))
}

/// Into a file of the day below the state directory; without such a directory the log is off. The guard
/// writes what is left when it is dropped.
pub(crate) fn to_state_directory() -> Option<WorkerGuard> {
    let folders = ProjectDirs::from("", "", "tenantry")?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
    to_folder(folder)
}

/// Into a file of the day in `folder`.
pub(crate) fn to_folder(folder: &std::path::Path) -> Option<WorkerGuard> {
    std::fs::create_dir_all(folder).ok()?;
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("tenantry")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    tracing_subscriber::fmt().with_env_filter(filter()).with_writer(writer).with_ansi(false).try_init().ok()?;
    Some(guard)
}

/// Onto standard error: for the server, which has no screen.
pub(crate) fn to_standard_error() {
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr).with_ansi(false).try_init();
}
