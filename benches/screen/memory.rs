//! What a process takes that has seen five million lines.

use std::process::Command;

use tenantry::tui::bench::{CAP, Filter, Kind, Log, Pattern, SourceId};

use crate::lines::Shape;
use crate::table::{Goal, Table};

/// Set for the process that is measured; names the shape of its lines, and whether it filters and searches.
pub const CHILD: &str = "TENANTRY_BENCH_CHILD";
/// Lines that it sees.
const LINES: usize = 5_000_000;
/// Bytes of lines that the log looks at between two batches, as the screen does.
const SLICE: usize = 1 << 20;

/// Megabytes that the kernel counts for this process.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|word| word.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

/// The process that is measured.
pub fn child() {
    let wish = std::env::var(CHILD).unwrap_or_default();
    let shape = Shape::ALL.into_iter().find(|shape| wish.starts_with(shape.name())).unwrap_or(Shape::Plain);
    let mut log = Log::new(CAP, "orchard");
    if wish.ends_with("searched") {
        log.set_filter(Filter {
            pattern: Pattern::new("nothing", Kind::Plain).ok(),
            inverted: true,
            ..Filter::default()
        });
        log.set_search(Pattern::new("a", Kind::Plain).ok());
    }
    let entries = shape.entries();
    for batch in 0..LINES.div_ceil(entries.len()) {
        let rest = LINES - batch * entries.len();
        log.push(SourceId::FIRST, entries.iter().take(rest));
        while log.work(SLICE) {}
    }
    assert_eq!(log.dropped() + log.len(), LINES as u64);
    println!("{} {}", resident(), log.bytes() as f64 / 1_048_576.0);
}

/// Runs the process.
pub fn measure(table: &mut Table) {
    for (shape, searched) in
        [(Shape::Short, ""), (Shape::Plain, ""), (Shape::Coloured, ""), (Shape::Short, " searched")]
    {
        let name = format!("{}{searched}", shape.name());
        let case = format!("memory after 5 million {name}: resident");
        if !table.wants(&case) {
            continue;
        }
        let me = std::env::current_exe().expect("this bench");
        let run = |_| {
            let output = Command::new(&me).env(CHILD, &name).output().expect("this bench starts");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut words = text.split_whitespace().map(|word| word.parse::<f64>().expect("a figure"));
            (words.next().expect("resident"), words.next().expect("counted"))
        };
        let (resident, counted): (Vec<f64>, Vec<f64>) = (0..3).map(run).unzip();
        table.add(&case, "MiB", Goal::AtMost(150.0), resident);
        table.add(&format!("memory after 5 million {name}: counted by the log"), "MiB", Goal::AtMost(64.0), counted);
    }
}
