//! The built program in a pseudo-terminal, beside others of its kind where they are installed: how long it takes until the
//! first complete picture, and what it does while nothing happens.
//!
//! The others show the containers of this machine's engine; the first one that runs is what is waited for. Ours shows a
//! hundred tenants of an API on the loopback, and those of the last time before that answers.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::json;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

use crate::table::{Goal, Table, median};

const SIZE: PtySize = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
/// Programs of the same kind, the goal's words for them.
const OTHERS: [&str; 2] = ["oxker", "dtop"];
const TENANTS: usize = 100;
/// How long something may take at all.
const LIMIT: Duration = Duration::from_secs(20);
/// Toasts and the first questions are over by then.
const SETTLED: Duration = Duration::from_secs(12);
const IDLE: Duration = Duration::from_secs(10);
/// Lines of the flood, how many are sent at once, its last one, and how often it comes.
const LINES: usize = 5_000_000;
const CHUNK: usize = 500;
const LAST: &str = "that was the last line";
const FLOODS: usize = 3;
/// Runs of the idle time: each takes half a minute.
const IDLE_RUNS: usize = 3;

/// What the terminal was sent so far.
struct Seen {
    parser: Mutex<(vt100::Parser, usize)>,
    changed: Condvar,
}

struct Program {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    seen: Arc<Seen>,
    begun: Instant,
}

impl Program {
    fn start(mut command: CommandBuilder) -> Self {
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        let pair = native_pty_system().openpty(SIZE).expect("a pseudo-terminal");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let keyboard = pair.master.take_writer().expect("a writer");
        let seen = Arc::new(Seen {
            parser: Mutex::new((vt100::Parser::new(SIZE.rows, SIZE.cols, 0), 0)),
            changed: Condvar::new(),
        });
        let writes = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let mut state = writes.parser.lock().expect("nobody panics with it");
                state.0.process(&buffer[..read]);
                state.1 += read;
                drop(state);
                writes.changed.notify_all();
            }
        });
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        Self { child, _master: pair.master, keyboard, seen, begun }
    }

    /// The time from the start until the screen holds a text.
    fn shows(&self, what: &str) -> Option<Duration> {
        self.shows_within(what, LIMIT)
    }

    fn shows_within(&self, what: &str, limit: Duration) -> Option<Duration> {
        let state = self.seen.parser.lock().expect("nobody panics with it");
        let missing = |state: &mut (vt100::Parser, usize)| !state.0.screen().contents().contains(what);
        let (state, timeout) =
            self.seen.changed.wait_timeout_while(state, limit, missing).expect("nobody panics with it");
        if timeout.timed_out() {
            eprintln!("never on the screen: {what}\n{}", state.0.screen().contents());
        }
        drop(state);
        (!timeout.timed_out()).then(|| self.begun.elapsed())
    }

    fn bytes(&self) -> usize {
        self.seen.parser.lock().expect("nobody panics with it").1
    }

    /// What is resident of it, MiB.
    fn resident(&self) -> f64 {
        let pid = self.child.process_id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
        line.split_whitespace().next().and_then(|figure| figure.parse::<f64>().ok()).expect("KiB") / 1024.0
    }

    /// What the program's processor time is so far, milliseconds; the kernel counts it in hundredths of a second.
    fn processor(&self) -> f64 {
        let pid = self.child.process_id().expect("it runs");
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        let after = stat.rsplit_once(')').expect("a name").1;
        let ticks: f64 =
            after.split_whitespace().skip(11).take(2).map(|word| word.parse::<f64>().expect("ticks")).sum();
        ticks * 10.0
    }

    fn leave(mut self, key: &str) {
        let _ = self.keyboard.write_all(key.as_bytes()).and_then(|()| self.keyboard.flush());
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A log that never pauses until its last line, and stays open then.
async fn flood() -> Response {
    let line = |number: usize| {
        let text = if number == LINES {
            LAST.to_owned()
        } else {
            format!("request {number} GET /api/orders/{number} 200 in 12 ms")
        };
        let data = json!({ "timestamp": "2026-11-30T12:00:00Z", "level": "info", "message": text });
        format!("id: {number}\nevent: log\ndata: {data}\n\n")
    };
    let chunk = move |first: usize| (first..(first + CHUNK).min(LINES + 1)).map(line).collect::<String>();
    let chunks = futures_util::stream::iter((1..=LINES).step_by(CHUNK).map(move |first| Ok(chunk(first))));
    let open = futures_util::stream::pending::<Result<String, std::io::Error>>();
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(chunks.chain(open))).into_response()
}

async fn stream() -> Response {
    // Open, and silent.
    let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// An API with a hundred tenants, whose list takes its time, and whose logs are silent or a flood; answers its address.
fn api(runtime: &Runtime, list_takes: Duration, floods: bool) -> String {
    let tenant = |number: usize| {
        json!({
            "id": format!("ten_{number:03}"), "name": format!("orchard-{number:03}"), "phase": "running",
            "status": "active", "region": "fra", "created_at": "2026-11-20T12:00:00Z",
            "deployed_at": "2026-11-20T12:00:00Z", "app_url": format!("http://127.0.0.1:{}", 20_000 + number),
        })
    };
    let tenants = json!({ "data": (0..TENANTS).map(tenant).collect::<Vec<_>>() });
    let me = json!({ "user": { "id": "u1", "email": "mara@orchard.example" }, "tenants": [] });
    let app = Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/api/v1/auth/me", get(move || async { Json(me) }))
        .route(
            "/api/v1/tenants",
            get(move || async move {
                tokio::time::sleep(list_takes).await;
                Json(tenants)
            }),
        )
        .route("/api/v1/tenants/{id}/events", get(stream))
        .route("/api/v1/tenants/{id}/logs", if floods { get(flood) } else { get(stream) });
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(async move { axum::serve(listener, app).await });
    address
}

/// A project that is logged in there.
fn project(api: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join(".systemprompt");
    std::fs::create_dir(&own).expect("a folder");
    std::fs::create_dir(folder.path().join("services")).expect("a folder");
    let login = json!({ "api_token": "sp_live_bench", "api_url": api, "user_email": "mara@orchard.example" });
    std::fs::write(own.join("credentials.json"), login.to_string()).expect("a file");
    folder
}

fn ours(folder: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantry"));
    command.cwd(folder);
    command.env("XDG_STATE_HOME", folder.join("state"));
    command.env("XDG_CONFIG_HOME", folder.join("config"));
    command
}

/// A container that runs, by its name.
fn container() -> Option<String> {
    let output = Command::new("docker").args(["ps", "--format", "{{.Names}}"]).output().ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    names.lines().next().map(str::to_owned)
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// The program from its start, and while nothing happens.
pub fn measure(table: &mut Table, runs: usize) {
    let runtime = Runtime::new().expect("a runtime");
    if table.wants("the program, 120×36") {
        start(table, &runtime, runs);
    }
    if table.wants("the program, idle") {
        let folder = project(&api(&runtime, Duration::ZERO, false));
        idle(table, folder.path());
    }
    if table.wants("the program after 5 million lines") {
        memory(table, &runtime);
    }
}

/// What the whole program holds after a log of millions of lines, and how fast they came.
fn memory(table: &mut Table, runtime: &Runtime) {
    let folder = project(&api(runtime, Duration::ZERO, true));
    let (mut resident, mut rate) = (Vec::new(), Vec::new());
    for _ in 0..FLOODS {
        let program = Program::start(ours(folder.path()));
        program.shows("orchard-000").expect("the list");
        let begun = Instant::now();
        program.shows_within(LAST, Duration::from_mins(3)).expect("the last line");
        rate.push(LINES as f64 / begun.elapsed().as_secs_f64());
        resident.push(program.resident());
        program.leave("q");
    }
    let case = "the program after 5 million lines over HTTP";
    table.add(&format!("{case}: resident"), "MiB", Goal::AtMost(150.0), resident);
    table.add(&format!("{case}: lines"), "lines/s", Goal::None, rate);
}

/// A turn of the program until its list of tenants is there.
fn turn(folder: &Path) -> f64 {
    let program = Program::start(ours(folder));
    let took = program.shows("orchard-000").expect("the list");
    program.leave("q");
    milliseconds(took)
}

fn start(table: &mut Table, runtime: &Runtime, runs: usize) {
    let container = container();
    // The API answers only when the list of the last time is long on the screen.
    let cached = project(&api(runtime, Duration::from_millis(500), false));
    let fresh = project(&api(runtime, Duration::ZERO, false));
    let (mut with_list, mut without) = (Vec::new(), Vec::new());
    let mut others: Vec<(&str, Vec<f64>)> = OTHERS.map(|other| (other, Vec::new())).into();
    // Taking turns, so that what else the machine does meets all of them. The first turn warms up, and leaves the list.
    for run in 0..=runs {
        let took = turn(cached.path());
        // Whatever was kept there: the first start has nothing.
        let _ = std::fs::remove_dir_all(fresh.path().join("state"));
        let anew = turn(fresh.path());
        if run > 0 {
            with_list.push(took);
            without.push(anew);
        }
        for (other, figures) in &mut others {
            let Some(name) = container.as_ref().filter(|_| is_installed(other)) else { continue };
            let program = Program::start(CommandBuilder::new(other));
            let took = program.shows(&name.chars().take(8).collect::<String>());
            program.leave("q");
            figures.extend(took.filter(|_| run > 0).map(milliseconds));
        }
    }
    let best = others.iter().filter_map(|(_, figures)| median(figures)).min_by(f64::total_cmp);
    let goal = best.map_or(Goal::None, Goal::AtMost);
    table.add(
        "the program, 120×36: from its start to a picture with 100 tenants of the last time",
        "ms",
        goal,
        with_list,
    );
    table.add("the program, 120×36: the same without a last time, asked of an API", "ms", Goal::None, without);
    for (other, figures) in others {
        let case = format!("beside it {other}: to a picture with the containers of this machine");
        if figures.is_empty() {
            eprintln!("not measured, not installed or no container runs: {case}");
        } else {
            table.add(&case, "ms", Goal::None, figures);
        }
    }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn idle(table: &mut Table, folder: &Path) {
    let (mut bytes, mut processor) = (Vec::new(), Vec::new());
    for _ in 0..IDLE_RUNS {
        let program = Program::start(ours(folder));
        program.shows("orchard-000").expect("the list");
        std::thread::sleep(SETTLED);
        let before = (program.bytes(), program.processor());
        std::thread::sleep(IDLE);
        bytes.push((program.bytes() - before.0) as f64);
        processor.push(program.processor() - before.1);
        program.leave("q");
    }
    table.add("the program, idle for 10 s: bytes written", "bytes", Goal::AtMost(0.0), bytes);
    table.add("the program, idle for 10 s: time of the processor", "ms", Goal::AtMost(10.0), processor);
}
