//! One question to a database: in a transaction that is read-only for the server, one statement, and no more of the answer
//! than is wanted. That keeps tables and sequences as they are; what a function does beside them it does not undo.
//!
//! The text of a value is as the database sends it: whoever shows it makes it harmless.

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Either, Executor as _, Row as _, SqlSafeStr as _, Statement as _,
    TypeInfo as _, ValueRef as _,
};
use std::time::{Duration, Instant};

use super::{Target, connect, refused};
use crate::model::{Problem, text};

/// Statements whose answer can be read piece by piece.
const READ: [&str; 4] = ["select", "with", "values", "table"];
/// Others that only tell.
const TOLD: [&str; 2] = ["show", "explain"];
/// How long the server may work on it.
const BEGIN: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; BEGIN READ ONLY; \
                     SET LOCAL statement_timeout = '300s'; SELECT 1";
/// How often the server looks whether somebody still waits for the answer: it works on for nobody otherwise. Known since
/// Postgres 14, and not on every system.
const AWARE: &str = "SET client_connection_check_interval = '1s'";
/// The most of an answer that is kept, bytes.
const MOST: usize = 64 * 1024 * 1024;
/// The longest statement, bytes.
const LONGEST: usize = 1024 * 1024;
const TITLE: &str = "The database refuses the statement.";

/// Which rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The most rows.
    pub limit: u32,
    /// Rows that are passed over first.
    pub offset: u32,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the database says it.
    pub name: String,
    /// Its type, such as `INT8`.
    pub kind: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; `None` is the database's NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// There are more rows than these.
    pub has_more: bool,
    /// How long it took.
    pub took: Duration,
}

/// Asks `sql`.
///
/// # Errors
/// What is more than one statement, or one that does anything but tell; what the database refuses.
pub async fn query(target: &Target, sql: &str, window: Window) -> Result<Answer, Problem> {
    let word = first_word(sql);
    if sql.len() > LONGEST || sql.contains('\0') {
        return Err(Problem::new("That is no statement.").hint("Write one of SQL, at most 1 MB long."));
    }
    if word.is_empty() {
        return Err(Problem::new("There is no statement.").hint("Write one, such as: SELECT 1"));
    }
    if ![&READ[..], &TOLD[..]].concat().contains(&word.as_str()) {
        return Err(Problem::new(format!("{} is no question.", text::short(&word.to_ascii_uppercase(), 40)))
            .detail("Only SELECT, WITH, VALUES, TABLE, SHOW and EXPLAIN are asked, and only to read.")
            .hint("Use psql to change something."));
    }
    let mut connection = connect(&target.url).await?;
    let began = Instant::now();
    let result = ask(&mut connection, sql, READ.contains(&word.as_str()), window).await;
    let took = began.elapsed();
    // What was asked is answered: how the connection ends changes nothing, and ends the transaction.
    let _ = connection.close().await;
    let (columns, rows, has_more) = result.map_err(|error| match error {
        Refused::Sql(error) => refused(TITLE, &error),
        Refused::Other(problem) => problem,
    })?;
    Ok(Answer { columns, rows, has_more, took })
}

enum Refused {
    Sql(sqlx::Error),
    Other(Problem),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

type Found = (Vec<Column>, Vec<Vec<Option<String>>>, bool);

async fn ask(connection: &mut PgConnection, sql: &str, in_pieces: bool, window: Window) -> Result<Found, Refused> {
    match (&mut *connection).execute(sqlx::raw_sql(AWARE)).await {
        // Without it the time limit below has to do.
        Ok(_) | Err(sqlx::Error::Database(_)) => {}
        Err(error) => return Err(error.into()),
    }
    // The question in it fixes the transaction: from here on nobody can make it one that writes.
    (&mut *connection).execute(sqlx::raw_sql(BEGIN)).await?;
    // Prepared first: the server refuses what is more than one statement, which the simple way below would run.
    let statement = (&mut *connection).prepare(AssertSqlSafe(sql).into_sql_str()).await?;
    let has_places = matches!(statement.parameters(), Some(Either::Left(all)) if !all.is_empty());
    if has_places {
        let problem = Problem::new("The statement has places for values, such as $1.");
        return Err(Refused::Other(problem.hint("Write the values themselves.")));
    }
    let columns = statement
        .columns()
        .iter()
        .map(|column| Column { name: column.name().to_owned(), kind: column.type_info().name().to_owned() })
        .collect();
    let wanted = u64::from(window.limit) + 1;
    let (question, mut skip) = if in_pieces {
        let declare = format!("DECLARE tenantry NO SCROLL CURSOR FOR {sql}");
        (&mut *connection).execute(sqlx::raw_sql(AssertSqlSafe(declare))).await?;
        if window.offset > 0 {
            let skip = format!("MOVE FORWARD {} FROM tenantry", window.offset);
            (&mut *connection).execute(sqlx::raw_sql(AssertSqlSafe(skip))).await?;
        }
        (format!("FETCH FORWARD {wanted} FROM tenantry"), 0)
    } else {
        (sql.to_owned(), window.offset)
    };
    // The simple way: every value comes as the text that people know.
    let mut answer = sqlx::raw_sql(AssertSqlSafe(question)).fetch(&mut *connection);
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    let mut kept = 0;
    while let Some(row) = answer.try_next().await? {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        if rows.len() >= window.limit as usize || kept > MOST {
            return Ok((columns, rows, true));
        }
        let row = texts(&row)?;
        kept += row.iter().flatten().map(String::len).sum::<usize>() + row.len();
        rows.push(row);
    }
    Ok((columns, rows, false))
}

fn texts(row: &PgRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    (0..row.len())
        .map(|at| {
            let value = row.try_get_raw(at)?;
            if value.is_null() {
                return Ok(None);
            }
            let bytes = value.as_bytes().map_err(sqlx::Error::Decode)?;
            Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
        })
        .collect()
}

/// The first word of a statement, small, behind blanks, comments and opening parentheses.
fn first_word(sql: &str) -> String {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = behind_comment(comment);
        } else {
            return rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
                .to_ascii_lowercase();
        }
    }
}

/// What is behind a comment that has begun; comments stand in comments here.
fn behind_comment(mut rest: &str) -> &str {
    let mut depth = 1;
    while depth > 0 {
        let (open, close) = (rest.find("/*"), rest.find("*/"));
        match (open, close) {
            (Some(open), Some(close)) if open < close => {
                depth += 1;
                rest = rest.get(open + 2..).unwrap_or_default();
            }
            (_, Some(close)) => {
                depth -= 1;
                rest = rest.get(close + 2..).unwrap_or_default();
            }
            (_, None) => return "",
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_found_behind_what_says_nothing() {
        for (sql, word) in [
            ("SELECT 1", "select"),
            ("  (\n(Values (1)))", "values"),
            ("-- a\n/* b /* c */ d */ with x as (select 1) table x", "with"),
            ("/* never closed select", ""),
            ("-- only", ""),
            ("; select 1", ""),
            ("drop_it", "drop_it"),
            ("", ""),
        ] {
            assert_eq!(first_word(sql), word, "{sql}");
        }
    }

    #[tokio::test]
    async fn what_is_no_question_is_refused_before_anybody_is_asked() {
        let target = Target {
            name: "x".into(),
            words: "x".into(),
            url: crate::model::Secret::new("postgres://u:hunter2@127.0.0.1:9/d"),
            local: None,
            root: "/nonexistent".into(),
            is_cloud: false,
        };
        let window = Window { limit: 1, offset: 0 };
        for (sql, title) in [
            ("DROP TABLE a", "DROP is no question."),
            ("copy a to program 'x'", "COPY is no question."),
            ("/* select */ begin", "BEGIN is no question."),
            ("do $$ begin end $$", "DO is no question."),
            ("", "There is no statement."),
            ("select 'a\0b'", "That is no statement."),
        ] {
            let problem = query(&target, sql, window).await.expect_err(sql);
            assert_eq!(problem.title, title);
        }
        let problem = query(&target, "select 1", window).await.expect_err("nobody is there");
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
    }
}
