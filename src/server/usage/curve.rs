//! Many rows become few: those of one stretch of time become one.

use crate::server::store::usage::UsageRow;

/// One row for each stretch of `width` seconds that has any, oldest first, dated at its beginning: processor and memory
/// are averages; volume, network, uptime and state are what they were last. `rows` are one tenant's, oldest first.
#[must_use]
pub fn fold(rows: &[UsageRow], width: i64) -> Vec<UsageRow> {
    let stretch = |row: &UsageRow| row.at.div_euclid(width.max(1));
    rows.chunk_by(|a, b| stretch(a) == stretch(b)).filter_map(|rows| one(rows, width)).collect()
}

fn one(rows: &[UsageRow], width: i64) -> Option<UsageRow> {
    let last = rows.last()?;
    let count = i64::try_from(rows.len()).ok()?;
    let average = |value: fn(&UsageRow) -> i64| {
        let sum: i64 = rows.iter().map(value).fold(0, i64::saturating_add);
        (sum + count / 2) / count
    };
    Some(UsageRow {
        at: last.at.div_euclid(width.max(1)) * width,
        cpu: average(|row| row.cpu),
        memory_bytes: average(|row| row.memory_bytes),
        volume_bytes: rows.iter().rev().find_map(|row| row.volume_bytes),
        ..last.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: i64, cpu: i64, volume: Option<i64>) -> UsageRow {
        UsageRow {
            tenant_id: "a".into(),
            at,
            cpu,
            memory_bytes: cpu * 10,
            volume_bytes: volume,
            network_rx: at,
            network_tx: at * 2,
            uptime_seconds: at,
            state: "started".into(),
        }
    }

    #[test]
    fn a_stretch_has_averages_and_last_values() {
        let rows =
            [row(100, 1, Some(5)), row(115, 3, Some(6)), row(119, 8, None), row(120, 7, None), row(300, 1, None)];
        let folded = fold(&rows, 60);
        assert_eq!(folded.iter().map(|row| row.at).collect::<Vec<_>>(), [60, 120, 300], "no row where nothing was");
        let first = &folded[0];
        assert_eq!((first.cpu, first.memory_bytes, first.volume_bytes, first.network_tx), (4, 40, Some(6), 238));
        assert_eq!(fold(&fold(&rows, 60), 60), folded, "folding again changes nothing");
        assert_eq!(fold(&[], 60), []);
    }
}
