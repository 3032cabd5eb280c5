//! Numbers of bytes as people read them.

const UNITS: [(&str, u64); 4] = [("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

fn unit(value: u64) -> (&'static str, u64) {
    UNITS.into_iter().rev().find(|(_, size)| value >= *size).unwrap_or(UNITS[0])
}

fn in_unit(value: u64, size: u64) -> String {
    let tenths = value.saturating_mul(10) / size;
    if size == 1 || tenths >= 100 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// `812 B`, `4.2 MB`, `62 MB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    let (name, size) = unit(value);
    format!("{} {name}", in_unit(value, size))
}

/// `41/62 MB`: both in the unit of the total.
#[must_use]
pub fn bytes_of(current: u64, total: u64) -> String {
    let (name, size) = unit(total.max(current));
    format!("{}/{} {name}", in_unit(current, size), in_unit(total, size))
}
