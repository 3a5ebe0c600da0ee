//! What operators did. Each line is written in the transaction that did it, so that there is neither
//! an act without its line nor a line without its act. Holds nothing personal of a sender.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx};

/// Whoever acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// By what they are known: the label of a session.
    pub name: String,
    /// Where they are.
    pub remote: String,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Signed in.
    SignIn,
    /// Tried to, with a wrong password.
    SignInRefused,
    /// Signed out.
    SignOut,
    /// Looked for a person's messages by their number.
    FindPerson,
    /// Changed an entry.
    CorrectEntry,
    /// Said that an entry is right.
    ConfirmEntry,
    /// Said that a duplicate is a receipt of its own.
    CountEntry,
    /// Took entries away as a file.
    ExportEntries,
    /// Made one dead job ready again.
    RetryJob,
    /// Made all dead jobs with one reason ready again.
    RetryJobs,
    /// Paused a queue.
    PauseQueue,
    /// Ended that.
    ResumeQueue,
    /// Paused a number's jobs.
    PauseNumber,
    /// Ended that.
    ResumeNumber,
    /// Let events go to a paused endpoint again.
    ResumeEndpoint,
}

impl Action {
    /// Our word for it, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignInRefused => "sign_in_refused",
            Self::SignOut => "sign_out",
            Self::FindPerson => "find_person",
            Self::CorrectEntry => "correct_entry",
            Self::ConfirmEntry => "confirm_entry",
            Self::CountEntry => "count_entry",
            Self::ExportEntries => "export_entries",
            Self::RetryJob => "retry_job",
            Self::RetryJobs => "retry_jobs",
            Self::PauseQueue => "pause_queue",
            Self::ResumeQueue => "resume_queue",
            Self::PauseNumber => "pause_number",
            Self::ResumeNumber => "resume_number",
            Self::ResumeEndpoint => "resume_endpoint",
        }
    }
}

/// A line to be written.
#[derive(Clone, Debug)]
pub struct Act<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// What.
    pub action: Action,
    /// On what: `entry 12`.
    pub subject: String,
    /// What else there is to say: nothing personal.
    pub details: Option<String>,
    /// When.
    pub now: DateTime<Utc>,
}

/// The line of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditId(pub i64);

/// A line as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// From where.
    pub remote: String,
    /// What, as [`Action::as_str`] says it.
    pub action: String,
    /// On what.
    pub subject: String,
    /// What else there is to say.
    pub details: Option<String>,
}

/// Writes the line of an act that `tx` does.
pub async fn write(tx: &mut Tx, act: &Act<'_>) -> Result<AuditId, StoreError> {
    let id = sqlx::query_scalar!(
        "insert into audit_log (at, actor, remote, action, subject, details)
         values ($1, $2, $3, $4, $5, $6)
         returning id",
        act.now,
        act.actor.name,
        act.actor.remote,
        act.action.as_str(),
        act.subject,
        act.details
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(AuditId(id))
}

impl Store {
    /// Writes the line of an act that changes nothing else in Postgres.
    pub async fn note_act(&self, act: &Act<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        write(&mut tx, act).await?;
        Ok(tx.commit().await?)
    }

    /// Fifty lines from `before` (not included) back, the newest first.
    pub async fn audit_lines(&self, before: i64) -> Result<Vec<Line>, StoreError> {
        Ok(sqlx::query_as!(
            Line,
            "select id, at, actor, remote, action, subject, details
             from audit_log
             where id < $1
             order by id desc
             limit 50",
            before
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
