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
    /// It could not be taken back; somebody has to look.
    Left,
}

impl StepState {
    fn word(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Left => "left",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Begun, Self::Done, Self::Undone, Self::Left].into_iter().find(|state| state.word() == word)
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
        if state == StepState::Begun {
            steps.retain(|(name, _)| *name != step);
            steps.push((step, state));
        } else if let Some(entry) = steps.iter_mut().find(|(name, _)| *name == step) {
            entry.1 = state;
        }
    }
    Ok(steps)
}
