//! Invented log lines of several shapes.

use tenantry::model::LogEntry;

/// Different lines of a shape; after these they begin anew.
const DIFFERENT: u32 = 8192;

/// What lines look like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// As web servers write them, about 40 bytes, with the server's word for the level.
    Short,
    /// As programs write them, about 100 bytes, the level in the text.
    Plain,
    /// The same with colours, as the `tracing` library writes them.
    Coloured,
    /// An object of about 300 bytes.
    Json,
    /// Wide characters, about 100 bytes.
    Wide,
    /// 4 KiB each.
    Long,
}

impl Shape {
    pub const ALL: [Self; 6] = [Self::Short, Self::Plain, Self::Coloured, Self::Json, Self::Wide, Self::Long];

    pub fn name(self) -> &'static str {
        match self {
            Self::Short => "short lines",
            Self::Plain => "ordinary lines",
            Self::Coloured => "coloured lines",
            Self::Json => "JSON lines",
            Self::Wide => "wide characters",
            Self::Long => "lines of 4 KiB",
        }
    }

    fn message(self, number: u32) -> String {
        let word = ["INFO", "WARN", "DEBUG", "ERROR"]
            [usize::from(number.is_multiple_of(7)) + usize::from(number.is_multiple_of(61)) * 2];
        let path = format!("/api/v1/agents/{}/runs/{}", number % 97, number % 1013);
        match self {
            Self::Short => format!("GET {path} 200 {} ms", number % 50),
            Self::Plain => {
                format!(
                    "{word:>5} orchard::http: request served method=GET path={path} status=200 took_ms={}",
                    number % 50
                )
            }
            Self::Coloured => format!(
                "\u{1b}[32m{word:>5}\u{1b}[0m \u{1b}[2morchard::http\u{1b}[0m\u{1b}[2m:\u{1b}[0m request served \u{1b}[3mmethod\u{1b}[0m\u{1b}[2m=\u{1b}[0mGET \u{1b}[3mpath\u{1b}[0m\u{1b}[2m=\u{1b}[0m{path}"
            ),
            Self::Json => format!(
                r#"{{"time":"2026-11-20T12:00:00.{number:06}Z","level":"{}","target":"orchard::http","message":"request served","method":"GET","path":"{path}","status":200,"took_ms":{},"request_id":"3f6c1b8e-52d4-4c0a-9e77-{number:012}","agent":"Mozilla/5.0 (X11; Linux x86_64)"}}"#,
                word.to_lowercase(),
                number % 50
            ),
            Self::Wide => format!("{word} 果樹園のリクエストを処理しました 経路={path} 所要時間={}ミリ秒", number % 50),
            Self::Long => format!("{word} {}", path.repeat(4096 / path.len())),
        }
    }

    /// The `number`th line.
    pub fn entry(self, number: u32) -> LogEntry {
        let timestamp = format!(
            "2026-11-20T12:{:02}:{:02}.{:09}Z",
            number / 60_000 % 60,
            number / 1000 % 60,
            number % 1000 * 1_000_000
        );
        let level = matches!(self, Self::Short).then(|| "info".to_owned());
        LogEntry { timestamp, message: self.message(number), level }
    }

    /// Different lines.
    pub fn entries(self) -> Vec<LogEntry> {
        (0..DIFFERENT).map(|number| self.entry(number)).collect()
    }
}
