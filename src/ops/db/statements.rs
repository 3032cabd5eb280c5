//! Whether a file of statements is whole, and does nothing but what the database itself does with it. `psql` obeys more than
//! SQL: a backslash outside of texts and data runs programs, reads other files and goes to other databases. And a transaction
//! of the file's own would end the one that makes a restore whole or nothing at all.
//!
//! It is read once, piece by piece. What `psql` could read in two ways is refused. Must not know who runs the statements.

use std::io::{self, BufRead};
use tokio_util::sync::CancellationToken;

/// The longest word, mark or line that matters.
const LONGEST: usize = 64;
/// How many of a statement's first words matter.
const WORDS: usize = 4;
/// What `pg_dump` writes for `psql`, and what does nothing but protect.
const ALLOWED: [&[u8]; 3] = [b"\\.", b"\\restrict", b"\\unrestrict"];
/// What begins or ends a transaction.
const TRANSACTIONS: [&str; 8] = ["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"];

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Code,
    /// `'…'`
    Text,
    /// `E'…'`
    Escaped,
    /// `"…"`
    Name,
    /// `-- …`
    Line,
    /// `/* … */`, in one another
    Comment(u32),
    /// `$mark$…$mark$`, with its mark and what was seen of its end
    Dollars(Vec<u8>, usize),
    /// The lines below `COPY … FROM stdin`
    Data,
    /// A line that begins with a backslash, so far
    Command(Vec<u8>),
}

#[derive(Debug)]
struct Reader {
    at: At,
    /// The one before, where there is one on this line.
    before: u8,
    /// The byte before belongs to something that has ended.
    is_closed: bool,
    word: Vec<u8>,
    /// The first words of the statement.
    words: Vec<String>,
    /// The words of it that count for `COPY` and for bodies.
    last: String,
    reads_input: bool,
    froms: u32,
    parentheses: u32,
    /// How deep in the `BEGIN ATOMIC … END` of a function, with the `CASE`s in it.
    body: u32,
    copies: u32,
    statements: u64,
    line: u64,
    /// What stands at the beginning of a line of data.
    begin: Vec<u8>,
    is_line_start: bool,
}

/// Looks through all of it.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn check(mut from: impl BufRead, stop: &CancellationToken) -> io::Result<Result<(), String>> {
    let mut reader = Reader::new();
    loop {
        if stop.is_cancelled() {
            return Err(io::Error::other("it was stopped"));
        }
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            return Ok(reader.end());
        }
        for byte in piece {
            if let Err(why) = reader.take(*byte) {
                return Ok(Err(format!("Line {}: {why}", reader.line)));
            }
        }
        let count = piece.len();
        from.consume(count);
    }
}

const AMBIGUOUS: &str = "it is written in a way that psql could understand otherwise.";

impl Reader {
    fn new() -> Self {
        Self {
            at: At::Code,
            before: b'\n',
            is_closed: true,
            word: Vec::new(),
            words: Vec::new(),
            last: String::new(),
            reads_input: false,
            froms: 0,
            parentheses: 0,
            body: 0,
            copies: 0,
            statements: 0,
            line: 1,
            begin: Vec::new(),
            is_line_start: true,
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), &'static str> {
        if byte == 0 {
            return Err("it is no text.");
        }
        let mut at = std::mem::replace(&mut self.at, At::Code);
        let before = self.before;
        self.before = byte;
        match &mut at {
            At::Code => return self.code(byte, before),
            At::Text | At::Name => {
                let quote = if at == At::Text { b'\'' } else { b'"' };
                if byte == quote {
                    // Where the server takes backslashes in texts for something else, the text would go on here.
                    if at == At::Text && before == b'\\' {
                        return Err(AMBIGUOUS);
                    }
                    self.close();
                    at = At::Code;
                }
            }
            At::Escaped => match (before, byte) {
                // In some encodings it would be the second half of a character.
                (0x80.., b'\\') => return Err(AMBIGUOUS),
                // Two of them are one, and so is a quote behind one: neither is before anything.
                (b'\\', _) => self.before = 0,
                (_, b'\'') => {
                    self.close();
                    at = At::Code;
                }
                _ => {}
            },
            At::Line => {
                if byte == b'\n' || byte == b'\r' {
                    at = At::Code;
                    self.is_line_start = true;
                    self.newline_in_code(byte, &mut at);
                }
            }
            At::Comment(depth) => match (before, byte) {
                (b'*', b'/') => {
                    self.before = 0;
                    *depth -= 1;
                    if *depth == 0 {
                        self.close();
                        at = At::Code;
                    }
                }
                (b'/', b'*') => {
                    self.before = 0;
                    *depth += 1;
                }
                _ => {}
            },
            At::Dollars(mark, seen) => {
                *seen = match mark.get(*seen) {
                    Some(wanted) if *wanted == byte => *seen + 1,
                    _ => usize::from(byte == b'$'),
                };
                if *seen == mark.len() {
                    self.close();
                    at = At::Code;
                }
            }
            At::Data => {
                if byte == b'\n' {
                    if matches!(self.begin.as_slice(), b"\\." | b"\\.\r") {
                        self.copies -= 1;
                        if self.copies == 0 {
                            at = At::Code;
                            self.is_line_start = true;
                        }
                    }
                    self.begin.clear();
                } else if self.begin.len() < 4 {
                    self.begin.push(byte);
                }
            }
            At::Command(words) => {
                if byte == b'\n' {
                    allowed(words)?;
                    at = At::Code;
                    self.is_line_start = true;
                } else if words.len() < LONGEST * 4 {
                    words.push(byte);
                } else {
                    return Err("it has a line for psql that is too long.");
                }
            }
        }
        if byte == b'\n' {
            self.line += 1;
        }
        self.at = at;
        Ok(())
    }

    /// Something with an end of its own has ended.
    fn close(&mut self) {
        self.is_closed = true;
    }

    fn code(&mut self, byte: u8, before: u8) -> Result<(), &'static str> {
        let before = if std::mem::take(&mut self.is_closed) { 0 } else { before };
        let mut at = At::Code;
        let is_word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let was_word = !self.word.is_empty();
        if byte == b'$' && self.word.first().is_some_and(|begin| *begin != b'$') {
            return Err(AMBIGUOUS);
        }
        let first = std::mem::take(&mut self.is_line_start);
        // `$1` and `$mark$` are one thing each.
        if before == b'$' || self.word.first() == Some(&b'$') {
            return self.dollar(byte);
        }
        if is_word {
            if self.word.len() < LONGEST {
                self.word.push(byte.to_ascii_lowercase());
            }
        } else {
            let prefix = std::mem::take(&mut self.word);
            match byte {
                b'\'' => at = text_behind(&prefix)?,
                b'"' if was_word => return Err(AMBIGUOUS),
                b'"' => at = At::Name,
                _ => {}
            }
            if byte != b'\'' {
                self.word_ended(&prefix)?;
            }
        }
        match byte {
            b'-' if before == b'-' => at = At::Line,
            b'*' if before == b'/' => {
                self.before = 0;
                at = At::Comment(1);
            }
            b'(' => self.parentheses += 1,
            b')' => self.parentheses = self.parentheses.saturating_sub(1),
            b';' if self.parentheses == 0 && self.body == 0 => self.statement_ended(),
            b'\\' if first => at = At::Command(vec![byte]),
            b'\\' => return Err("it has a command for psql behind a backslash."),
            b'\n' => self.newline_in_code(byte, &mut at),
            _ => {}
        }
        if byte == b'\n' {
            self.line += 1;
        }
        if matches!(byte, b'\'' | b'"') && self.words.is_empty() {
            self.words.push(String::new());
        }
        self.at = at;
        Ok(())
    }

    /// Behind a `$` that stands alone.
    fn dollar(&mut self, byte: u8) -> Result<(), &'static str> {
        if self.word.is_empty() {
            self.word.push(b'$');
        }
        let is_number = self.word.get(1).is_some_and(u8::is_ascii_digit);
        if byte == b'$' && !is_number {
            let mut mark = std::mem::take(&mut self.word);
            mark.push(b'$');
            self.at = At::Dollars(mark, 0);
            return Ok(());
        }
        if self.word.len() < LONGEST && (byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80) {
            self.word.push(byte);
            self.at = At::Code;
            return Ok(());
        }
        if is_number && byte != b'$' && byte != b'\'' && byte != b'"' {
            self.word.clear();
            self.is_closed = true;
            return self.code(byte, 0);
        }
        Err(AMBIGUOUS)
    }

    fn newline_in_code(&mut self, byte: u8, at: &mut At) {
        if byte == b'\n' {
            self.is_line_start = true;
            self.is_closed = true;
            if self.copies > 0 {
                *at = At::Data;
                self.begin.clear();
            }
        }
    }

    fn word_ended(&mut self, word: &[u8]) -> Result<(), &'static str> {
        if word.is_empty() {
            return Ok(());
        }
        let word = String::from_utf8_lossy(word).into_owned();
        let is_copy = self.words.first().is_some_and(|first| first == "copy");
        if self.parentheses == 0 {
            match word.as_str() {
                "begin" if self.makes_routine() => self.body += 1,
                "case" if self.body > 0 => self.body += 1,
                "end" if self.body > 0 => self.body -= 1,
                // A later one compares something with a column of that name.
                "stdin" if is_copy && self.last == "from" && self.froms == 1 => self.reads_input = true,
                "from" => self.froms += 1,
                _ => {}
            }
        }
        if self.words.is_empty() && TRANSACTIONS.contains(&word.as_str())
            || self.words.len() == 1 && self.words == ["prepare"] && word == "transaction"
        {
            return Err("it begins or ends a transaction of its own, so it would not be put back whole or not at all.");
        }
        if self.words.len() < WORDS {
            self.words.push(word.clone());
        }
        self.last = word;
        Ok(())
    }

    /// True in a statement whose body may have semicolons, by the same signs as psql's.
    fn makes_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let behind = words.strip_prefix(&["create", "or", "replace"]).or_else(|| words.strip_prefix(&["create"]));
        behind.is_some_and(|behind| matches!(behind.first(), Some(&("function" | "procedure"))))
    }

    fn statement_ended(&mut self) {
        if !self.words.is_empty() {
            self.statements += 1;
        }
        if std::mem::take(&mut self.reads_input) {
            self.copies += 1;
        }
        self.words.clear();
        self.last.clear();
        self.froms = 0;
    }

    /// Nothing comes any more.
    fn end(mut self) -> Result<(), String> {
        let told = |why: &str| Err(why.to_owned());
        if let At::Command(words) = &self.at {
            return allowed(words).map_err(ToOwned::to_owned);
        }
        let word = std::mem::take(&mut self.word);
        self.word_ended(&word).map_err(ToOwned::to_owned)?;
        let is_last_mark =
            self.at == At::Data && self.copies == 1 && matches!(self.begin.as_slice(), b"\\." | b"\\.\r");
        let is_open =
            !matches!(self.at, At::Code | At::Line) || self.parentheses > 0 || self.body > 0 || self.copies > 0;
        if is_open && !is_last_mark {
            return told("It ends in the middle of a statement or of its data.");
        }
        if self.reads_input {
            return told("It ends before the data of its last statement.");
        }
        if self.statements == 0 && self.words.is_empty() {
            return told("There is no statement in it.");
        }
        Ok(())
    }
}

/// What a text is that begins behind this word.
fn text_behind(prefix: &[u8]) -> Result<At, &'static str> {
    match prefix {
        b"e" => Ok(At::Escaped),
        b"" | b"b" | b"x" | b"n" => Ok(At::Text),
        _ => Err(AMBIGUOUS),
    }
}

fn allowed(line: &[u8]) -> Result<(), &'static str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.split(|byte| *byte == b' ');
    let is_allowed = words.next().is_some_and(|word| ALLOWED.contains(&word));
    // A second backslash would be a second command.
    let is_one = !words.any(|word| word.iter().any(|byte| !byte.is_ascii_alphanumeric()));
    if is_allowed && is_one { Ok(()) } else { Err("it has a command for psql behind a backslash.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(statements: &str) -> Result<(), String> {
        // Read byte by byte, too: where a piece ends says nothing.
        let stop = CancellationToken::new();
        let whole = check(statements.as_bytes(), &stop).expect("read");
        let pieces = check(io::BufReader::with_capacity(1, statements.as_bytes()), &stop).expect("read");
        assert_eq!(whole, pieces, "{statements}");
        whole
    }

    #[test]
    fn what_only_the_database_does_is_taken() {
        for good in [
            "SELECT 1",
            "SELECT 1;\n-- the end",
            "\\restrict aB3\n--\n-- PostgreSQL database dump\n--\nSET a = on;\n\\unrestrict aB3\n",
            "COPY public.trees (id, name) FROM stdin;\n1\ta\\\\b\n\\N\t'$x$ /*\n\\! rm\n\\.\n\nSELECT 1;\n",
            "COPY a FROM stdin;\n\\.\nCOPY b FROM STDIN WITH (FORMAT csv);\n\"\n\\.\n",
            "INSERT INTO a VALUES ('it''s', E'a\\'b\\\\', '\\x00', \"odd\"\"name\", $1, B'1', 1);",
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $_$\nBEGIN\n\\! x\n  RETURN '$$' || $1;\nEND;\n$_$;",
            "DO $$ BEGIN PERFORM 1; COMMIT; END $$;",
            "CREATE FUNCTION g() RETURNS int LANGUAGE sql\nBEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n SELECT 2;\nEND;\n",
            "/* a /* \\! */ ' */ SELECT 'a\n\\! b';",
            "COPY (SELECT a FROM stdin) TO stdout;\nSELECT 1;",
            "CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2);",
            "SELECT a - b, c / d, 'x' -- 'y\n;",
        ] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_psql_would_obey_is_refused() {
        for (bad, line) in [
            ("\\connect other", 0),
            ("SELECT 1;\n\\! touch /tmp/x\n", 2),
            ("  \\i other.sql\n", 1),
            ("SELECT 1 \\g |cat\n", 1),
            ("SELECT 1; \\! x\n", 1),
            ("\\restrict a \\! x\n", 1),
            ("\\restrict a\\! x\n", 1),
            ("\\.x\n", 1),
            ("COPY a FROM stdin;\n1\n\\.\n\\! x\n", 4),
            ("COPY a FROM stdin; \\! x\n\\.\n", 1),
            ("COPY a TO stdout /* from stdin */;\n\\! x\n", 2),
            ("COPY (SELECT a FROM stdin) TO stdout;\n\\! x\n", 2),
            ("COPY a FROM '/x' WHERE b IS DISTINCT FROM stdin;\n\\! x\n", 2),
            ("CREATE FUNCTION begin; COPY a FROM stdin;\n\\! x\n", 2),
            ("-- a\0\n", 1),
            ("SELECT $$a$$ \\! x\n", 1),
            ("SELECT $a$ $b$ $$ $a$;\n\\! x\n", 2),
            ("SELECT E'a\\\\';\n\\! x\n", 2),
            // What can be read in two ways.
            ("SELECT '\\'' \\! x '\n", 1),
            ("SELECT 1$a$ ' $a$ \\! x --'\n", 1),
            ("SELECT xE'\\' \\! x --'\n", 1),
            ("SELECT E'\u{95}\\' \\! x --'\n", 1),
        ] {
            let why = checked(bad).expect_err(bad);
            assert!(line == 0 || why.starts_with(&format!("Line {line}: ")), "{bad}: {why}");
        }
    }

    #[test]
    fn what_would_not_be_whole_is_refused() {
        for bad in ["COMMIT;", "SELECT 1;\nend;", "begin;\nSELECT 1;\ncommit;", "ROLLBACK", "PREPARE TRANSACTION 'x';"]
        {
            assert!(checked(bad).expect_err(bad).contains("transaction of its own"), "{bad}");
        }
        for bad in ["SELECT 'a", "COPY a FROM stdin;\n1\n", "/* a", "SELECT $$a", "SELECT (1;", "COPY a FROM stdin;"] {
            assert!(checked(bad).expect_err(bad).contains("ends"), "{bad}");
        }
        for bad in ["", "\n-- only\n", "/* */"] {
            assert_eq!(checked(bad).expect_err(bad), "There is no statement in it.");
        }
    }
}
