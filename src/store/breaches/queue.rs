//! Jobs, reminders, statuses, senders and events: nothing is about nothing, nothing is left lying.

use super::{Found, Rows, Scope, Span, Store, StoreError, Tx, rows};
use crate::domain::breach::Breach;

impl Store {
    /// What is not as it must be among the reminders of `span`.
    pub async fn breaches_among_reminders(
        &self,
        scope: &Scope,
        span: Span,
    ) -> Result<Found, StoreError> {
        let mut tx = self.begin_reading(scope.statement_limit).await?;
        let rows = rows!(
            &mut tx,
            "select id from reminders
             where id > $1 and id <= $2 and state = 'scheduled' and waits_for_template is null
               and greatest(run_at, created_at) < $3
               and not exists (
                   select from apalis_lease.jobs
                   where queue = 'reminders' and payload ->> 'reminder_id' = reminders.id::text
               )",
            span.after,
            span.up_to,
            scope.settled_before
        );
        tx.commit().await?;
        Ok(vec![(Breach::ReminderWithoutJob, rows)])
    }

    /// What is not as it must be among jobs that are not done, parked statuses, senders and events
    /// that are owed; and how many jobs that are.
    pub async fn breaches_at_large(&self, scope: &Scope) -> Result<(i64, Found), StoreError> {
        let mut tx = self.begin_reading(scope.statement_limit).await?;
        let jobs = sqlx::query_scalar!(r#"select count(*) as "count!" from apalis_lease.jobs"#)
            .fetch_one(&mut *tx)
            .await?;
        let found = vec![
            (Breach::JobWithoutSubject, without_subject(&mut tx, scope).await?),
            (Breach::JobDead, rows!(&mut tx, "select job from ops.dead_jobs")),
            (Breach::JobStuck, stuck(&mut tx, scope).await?),
            (Breach::LeaseExpired, expired(&mut tx).await?),
            (Breach::StatusNotSettled, not_settled(&mut tx, scope).await?),
            (Breach::StatusOfNobody, of_nobody(&mut tx, scope).await?),
            (
                Breach::CustomerDoubled,
                rows!(&mut tx, "select distinct sender_id from doubled_customers"),
            ),
            (Breach::EventNotDelivered, not_delivered(&mut tx, scope).await?),
        ];
        tx.commit().await?;
        Ok((jobs, found))
    }
}

/// A running one may be of somebody who is just being forgotten: it finds nothing, and ends. What queues
/// of other names carry is not known here.
async fn without_subject(tx: &mut Tx, scope: &Scope) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from apalis_lease.jobs
         where state <> 'running' and created_at < $1
           and case queue
               when 'reminders' then not exists (
                   select from reminders where reminders.id = case
                       when payload ->> 'reminder_id' ~ '^[0-9]{1,18}$'
                       then (payload ->> 'reminder_id')::bigint end
               )
               when 'events' then not exists (
                   select from event_deliveries where event_deliveries.id = case
                       when payload ->> 'delivery_id' ~ '^[0-9]{1,18}$'
                       then (payload ->> 'delivery_id')::bigint end
               )
               else queue in ('messages', 'local_reading') and not exists (
                   select from messages where messages.id = case
                       when payload ->> 'message_id' ~ '^[0-9]{1,18}$'
                       then (payload ->> 'message_id')::bigint end
               )
           end",
        scope.settled_before
    ))
}

/// What is tried again later is not stuck: its time will come. Lapsed leases are told apart.
async fn stuck(tx: &mut Tx, scope: &Scope) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select job from ops.stuck_jobs
         where since < $1 and (next_try_at is null or next_try_at <= now())
           and not exists (
               select from apalis_lease.jobs
               where id = job and lease_until < clock_timestamp() - interval '1 minute'
           )",
        scope.settled_before
    ))
}

/// By Postgres's clock, as leases go. A minute after it has lapsed some worker should have it.
async fn expired(tx: &mut Tx) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from apalis_lease.jobs
         where state = 'running' and lease_until < clock_timestamp() - interval '1 minute'"
    ))
}

/// Named by the message that was answered; there is none behind a reminder.
async fn not_settled(tx: &mut Tx, scope: &Scope) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select replies.message_id from parked_statuses as parked
         join send_attempts as attempt
             on attempt.id = parked.attempt_id or attempt.wamid = parked.wamid
         left join replies on replies.id = attempt.reply_id
         where parked.received_at < $1",
        scope.settled_before
    ))
}

async fn of_nobody(tx: &mut Tx, scope: &Scope) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select null::bigint from parked_statuses as parked
         where received_at < $1
           and not exists (select from send_attempts where id = parked.attempt_id)
           and not exists (select from send_attempts where wamid = parked.wamid)",
        scope.settled_before
    ))
}

/// What a paused endpoint is owed has its jobs too: they are paused.
async fn not_delivered(tx: &mut Tx, scope: &Scope) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select delivery.id
         from event_deliveries as delivery
         join events on events.id = delivery.event_id
         where delivery.state = 'pending' and events.occurred_at < $1
           and not exists (
               select from apalis_lease.jobs
               where queue = 'events' and payload ->> 'delivery_id' = delivery.id::text
           )",
        scope.settled_before
    ))
}
