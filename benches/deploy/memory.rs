//! The most memory that a deploy of a big context takes.

use std::fs::File;
use std::io::{BufRead, BufReader};

use crate::ours::Tenantry;
use crate::project::{self, Project};

/// Kilobytes that a line of `/proc/<pid>/status` names.
fn status(pid: u32, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Deploys 2 GB and says what it took: resident memory when the image's build began, and the most until the end.
pub fn measure(project: &Project, tenant: &str) -> String {
    let big = project.path().join("data/big.bin");
    let mut noise = File::open("/dev/urandom").map(|file| std::io::Read::take(file, 1 << 20)).expect("noise");
    let mut block = Vec::new();
    std::io::Read::read_to_end(&mut noise, &mut block).expect("noise");
    let mut file = File::create(&big).expect("the big file");
    for _ in 0..2048 {
        std::io::Write::write_all(&mut file, &block).expect("the big file");
    }
    drop(file);
    let mut child = Tenantry::command(project, &[tenant]).spawn().expect("tenantry starts");
    let pid = child.id();
    let (mut idle, mut most) = (0, 0);
    for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
        let line = line.expect("a line");
        if line.contains("\"started\"") && line.contains("\"build\"") {
            idle = status(pid, "VmRSS:").unwrap_or_default();
        }
        most = status(pid, "VmHWM:").unwrap_or(most);
    }
    assert!(child.wait().expect("it ends").success(), "the deploy of the big context failed");
    std::fs::remove_file(big).expect("removed");
    format!(
        "Context of {} MB more ({} MB in all): {} MB resident when the build began, at most {} MB until the end: {} MB above.",
        2048,
        2048 + project::size(&project.path().join("data")) / 1_000_000,
        idle / 1024,
        most / 1024,
        (most - idle) / 1024,
    )
}
