//! `tenantry logs`: what tenants' machines say: the last lines, and with `--follow` every new one.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::cell::Cell;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::frame::{Failure, Output, Paint, Place, Stream};
use crate::model::{LogEntry, Problem, Tenant};
use crate::ops::live::{self, Live};
use crate::ops::{Call, Reply, Session, perform, tenants};
use crate::telling::{Tone, format};

/// Lines where nobody says how many.
const LINES: u32 = 100;
/// The most that a server sends of the past.
const MOST: u32 = 5_000;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tenantry logs --tenant orchard -n 50\n  tenantry logs -f --since 10m\n  tenantry logs --tenant orchard --tenant meadow --json\n\n\
    With --json, an object on a line of its own for every log line: tenant_id, tenant_name, timestamp, message, level."
)]
pub(super) struct Arguments {
    /// The tenant: its id, its name, or the beginning of one; may be given more than once. May be left out where there is
    /// only one, or where the project's profile names it.
    #[arg(long = "tenant", value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenants: Vec<String>,
    /// Go on with every new line, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    /// How many lines of the past; 100 where nothing is said, all that are kept with --since.
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST)))]
    lines: Option<u32>,
    /// Leave out what is older: 10m, 2h, or a time such as 2026-11-20T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    #[command(flatten)]
    place: Place,
    /// Print a JSON object per line, as with --json.
    #[arg(long, conflicts_with = "quiet")]
    events: bool,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    /// How the answer is given.
    pub(super) fn output(&self) -> Output {
        self.output.or_events(self.events)
    }
}

fn moment(raw: &str) -> Result<Timestamp, String> {
    if let Ok(at) = raw.parse::<Timestamp>() {
        return Ok(at);
    }
    let ago: SignedDuration =
        raw.parse().map_err(|_| "a span such as 10m or 2h, or a time with its zone".to_owned())?;
    Timestamp::now().checked_sub(ago).map_err(|_| "too long ago".to_owned())
}

pub(super) async fn run(arguments: Arguments, stop: &CancellationToken) -> Result<Exit, Failure> {
    let session = arguments.place.open().await?;
    let mut wanted: Vec<Tenant> = Vec::new();
    if arguments.tenants.is_empty() {
        wanted.push(tenants::resolve(&session, None).await?);
    }
    for name in &arguments.tenants {
        let tenant = tenants::resolve(&session, Some(name)).await?;
        if wanted.iter().all(|known| known.id != tenant.id) {
            wanted.push(tenant);
        }
    }
    let lines = arguments.lines.unwrap_or(if arguments.since.is_some() { MOST } else { LINES });
    let teller = Teller { several: wanted.len() > 1, since: arguments.since, stream: Stream::new(arguments.output()) };
    if arguments.follow {
        // A log that was lost on the way, however the others end.
        let lost = Cell::new(Exit::Done);
        // Ctrl-C is the way to end it, and no failure.
        tokio::select! {
            followed = follow(&session, &wanted, lines, &teller, &lost) => followed?,
            () = Stream::closed() => {}
            () = stop.cancelled() => {}
        }
        return Ok(lost.get());
    }
    let (mut all, mut missing) = (Vec::new(), None);
    for tenant in &wanted {
        match perform(&session, Call::Logs { id: tenant.id.clone(), lines }).await {
            Ok(Reply::Logs(entries)) => all.extend(entries.into_iter().map(|entry| (tenant, entry))),
            Ok(_) => {}
            Err(problem) if problem.requires_login => return Err(problem.into()),
            // The others' lines are worth reading all the same.
            Err(problem) => missing = Some(lost(missing.as_ref(), tenant, problem)),
        }
    }
    if teller.several {
        // Stable: lines of one time stay as they came.
        all.sort_by_key(|(_, entry)| format::moment(&entry.timestamp));
    }
    for (tenant, entry) in all {
        if !teller.tell(tenant, &entry)? {
            break;
        }
    }
    missing.map_or(Ok(Exit::Done), |problem| Err(problem.into()))
}

/// Notes that the log of `tenant` cannot be read: tells the problem of before, and answers the one that is told at the end.
fn lost(before: Option<&Problem>, tenant: &Tenant, problem: Problem) -> Problem {
    if let Some(before) = before {
        crate::cli::tell(before);
    }
    let title = format!("The log of {} cannot be read: {}", tenant.name, problem.title);
    Problem { title, ..problem }
}

async fn follow(
    session: &Session,
    wanted: &[Tenant],
    lines: u32,
    teller: &Teller,
    is_lost: &Cell<Exit>,
) -> Result<(), Problem> {
    let (sender, mut said) = mpsc::channel(64);
    // Each is heard by a future of its own, which ends with this one.
    let hearing = futures_util::future::join_all(wanted.iter().enumerate().map(|(at, tenant)| {
        let sender = sender.clone();
        async move {
            let (own, mut heard) = mpsc::channel(64);
            let stream = async {
                let own = own;
                live::follow_logs_from(session, &tenant.id, lines, &own).await;
            };
            let passing_on = async {
                while let Some(live) = heard.recv().await {
                    if sender.send((at, live)).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(stream, passing_on);
        }
    }));
    drop(sender);
    let telling = async {
        let (mut missing, mut count) = (None, 0);
        while let Some((at, live)) = said.recv().await {
            match live {
                Live::Item(entry) => {
                    if !teller.tell(&wanted[at], &entry)? {
                        return Ok(());
                    }
                }
                Live::Interrupted { problem, .. } => {
                    crate::cli::note(&format!("the log of {} was interrupted: {problem}", wanted[at].name));
                }
                Live::Failed(problem) if problem.requires_login => return Err(problem),
                Live::Failed(problem) => {
                    missing = Some(lost(missing.as_ref(), &wanted[at], problem));
                    count += 1;
                    // The others go on.
                    if count < wanted.len()
                        && let Some(problem) = missing.take()
                    {
                        crate::cli::tell(&problem);
                        is_lost.set(Exit::of(&problem));
                    }
                }
                Live::Connected | Live::Ended => {}
            }
        }
        missing.map_or(Ok(()), Err)
    };
    tokio::select! {
        told = telling => told,
        // What was heard last is still to be told.
        never = async { hearing.await; std::future::pending().await } => never,
    }
}

struct Teller {
    several: bool,
    since: Option<Timestamp>,
    stream: Stream,
}

impl Teller {
    /// False once nobody reads any more.
    fn tell(&self, tenant: &Tenant, entry: &LogEntry) -> Result<bool, Problem> {
        if !self.is_wanted(entry) {
            return Ok(true);
        }
        self.stream.line(&line(tenant, entry, self.several, Paint::out()), || object(tenant, entry))
    }

    /// A line that does not say when it is from is not left out.
    fn is_wanted(&self, entry: &LogEntry) -> bool {
        match (self.since, format::moment(&entry.timestamp)) {
            (Some(since), Some(at)) => at >= since,
            _ => true,
        }
    }
}

fn line(tenant: &Tenant, entry: &LogEntry, several: bool, paint: Paint) -> String {
    let parts = [
        several.then(|| paint.tone(Tone::Accent, &format!("[{}]", tenant.name))),
        Some(paint.tone(Tone::Dim, &entry.timestamp)).filter(|timestamp| !timestamp.is_empty()),
        Some(paint.tone(tone(entry), &entry.plain())),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// By the level that the server says.
fn tone(entry: &LogEntry) -> Tone {
    match entry.level.as_deref().unwrap_or_default().to_ascii_lowercase().as_str() {
        "error" | "fatal" | "critical" => Tone::Bad,
        "warn" | "warning" => Tone::Warn,
        "debug" | "trace" => Tone::Dim,
        _ => Tone::Text,
    }
}

fn object(tenant: &Tenant, entry: &LogEntry) -> Value {
    json!({
        "tenant_id": tenant.id, "tenant_name": tenant.name, "timestamp": entry.timestamp, "message": entry.plain(),
        "level": entry.level,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_lines_are_left_out_and_colours_are_not_printed() {
        let tenant: Tenant = serde_json::from_value(json!({"id": "ten_1", "name": "orchard"})).expect("a tenant");
        let entry = |timestamp: &str| LogEntry {
            timestamp: timestamp.into(),
            message: "\u{1b}[31mred\u{1b}[0m".into(),
            level: None,
        };
        let since = Some(moment("2026-11-20T12:00:00Z").expect("a time"));
        let teller = Teller { several: true, since, stream: Stream::new(Output::default()) };
        assert!(!teller.is_wanted(&entry("2026-11-20T11:59:59Z")));
        assert!(teller.is_wanted(&entry("2026-11-20T12:00:00Z")) && teller.is_wanted(&entry("")));
        assert_eq!(line(&tenant, &entry("t"), true, Paint::default()), "[orchard] t red");
        assert_eq!(line(&tenant, &entry(""), false, Paint::default()), "red");
        let bad = LogEntry { level: Some("ERROR".into()), ..entry("") };
        assert_eq!(line(&tenant, &bad, false, Paint::colours()), "\u{1b}[31mred\u{1b}[0m");
        assert!(!object(&tenant, &entry("t")).to_string().contains("u001b"));
        assert!(moment("10m").expect("a span") < Timestamp::now() && moment("yesterday").is_err());
    }
}
