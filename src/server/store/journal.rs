//! What the provisioner began, finished and undid, in order: what a retry or a removal has to clean.

use super::{Connection, StoreError, now};

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Written before the step does anything.
    Begun,
    /// The step did what it should.
    Done,
    /// Its effect was taken back.
    Undone,
    /// It could not be taken back; it is tried again.
    Left,
    /// Its effect was there before this run, which therefore does not undo it.
    Found,
}

impl StepState {
    fn word(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Left => "left",
            Self::Found => "found",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Begun, Self::Done, Self::Undone, Self::Left, Self::Found].into_iter().find(|state| state.word() == word)
    }
}

/// Notes one move of one step.
pub async fn note(
    db: &mut Connection,
    tenant: &str,
    operation: &str,
    step: &str,
    state: StepState,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO journal (tenant_id, seq, operation, step, state, detail, at) \
         SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6 FROM journal WHERE tenant_id = $1",
    )
    .bind(tenant)
    .bind(operation)
    .bind(step)
    .bind(state.word())
    .bind(detail)
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// The last state of every step that was ever begun, in the order in which they were begun last.
pub async fn last_states(db: &mut Connection, tenant: &str) -> Result<Vec<(String, StepState)>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT step, state FROM journal WHERE tenant_id = $1 ORDER BY seq")
            .bind(tenant)
            .fetch_all(db)
            .await?;
    let mut steps: Vec<(String, StepState)> = Vec::new();
    for (step, word) in rows {
        let state = StepState::from_word(&word).ok_or(StoreError::Unreadable("journal entry"))?;
        if matches!(state, StepState::Begun | StepState::Found) {
            steps.retain(|(name, _)| *name != step);
            steps.push((step, state));
        } else if let Some(entry) = steps.iter_mut().find(|(name, _)| *name == step) {
            entry.1 = state;
        }
    }
    Ok(steps)
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct JournalRow {
    /// The operation.
    pub operation: String,
    /// The step.
    pub step: String,
    /// How far it came.
    pub state: String,
    /// What it made, or why it did not.
    pub detail: Option<String>,
}

/// Everything that was noted about a tenant, oldest first.
pub async fn of(db: &mut Connection, tenant: &str) -> Result<Vec<JournalRow>, StoreError> {
    let query = sqlx::query_as("SELECT operation, step, state, detail FROM journal WHERE tenant_id = $1 ORDER BY seq");
    Ok(query.bind(tenant).fetch_all(db).await?)
}

/// Forgets what was noted before `before`: everything about tenants that are gone, and of the others what machines went
/// through. What was made for a tenant stays noted for as long as the tenant is there.
pub async fn trim(db: &mut Connection, before: &str) -> Result<u64, StoreError> {
    let query = sqlx::query(
        "DELETE FROM journal WHERE at < $1 AND (operation LIKE 'dep_%' OR operation LIKE 'res_%' \
         OR tenant_id IN (SELECT id FROM tenants WHERE phase = 'deleted'))",
    );
    Ok(query.bind(before).execute(db).await?.rows_affected())
}
