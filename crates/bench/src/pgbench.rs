//! What Postgres itself can do with the same rows: pgbench, prepared statements, on the same cluster.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::stage::Stage;

/// A text and its job: the very statements of the ingress (`store::messages::remember` and the queue's
/// `ENQUEUE_ALL`) with one row in each array.
const TEXT: &str = r"
\set key random(1, 9000000000000000000)
begin;
with fresh as (insert into message_ids (wamid_sha256, first_seen_at) select told.digest, told.received_at from unnest(array[sha256(('wamid.pgbench' || :key)::bytea)], array[now()]) with ordinality as told (digest, received_at, place) order by told.place on conflict do nothing returning wamid_sha256) insert into messages (wamid, phone_number_id, phone, user_id, profile_name, kind, sent_at, raw, quoted_wamid, quoted_words, pressed, wish, received_at, accepted_at, trace_parent, type) select told.wamid, told.phone_number_id, told.phone, told.user_id, told.profile_name, told.kind, told.sent_at, told.raw, told.quoted_wamid, told.quoted_words, told.pressed, told.wish, told.received_at, now(), told.trace_parent, told.type from unnest(array[sha256(('wamid.pgbench' || :key)::bytea)], array['wamid.pgbench' || :key], array['106540352242922'], array['420777123456'], array[null]::text[], array['Jana'], array['text'], array[now()], array[repeat('x', 260)::bytea], array[null]::text[], array[null]::text[], array[null]::text[], array[null]::text[], array[now()], array[null]::text[], array['text']) as told (digest, wamid, phone_number_id, phone, user_id, profile_name, kind, sent_at, raw, quoted_wamid, quoted_words, pressed, wish, received_at, trace_parent, type) join fresh on fresh.wamid_sha256 = told.digest order by told.sent_at returning id \gset
with given as materialized (select nextval('apalis_lease.jobs_id_seq') as id, g.queue, g.key, g.priority, g.run_at, g.max_attempts, g.payload, g.trace_parent, g.group_key, g.place from unnest(array['messages'], array[null]::text[], array[1]::smallint[], array[null]::timestamptz[], array[33], array[jsonb_build_object('message_id', :id::bigint, 'errand', 'process')::text], array[null]::text[], array['106540352242922']) with ordinality as g (queue, key, priority, run_at, max_attempts, payload, trace_parent, group_key, place)), written as (insert into apalis_lease.jobs (id, queue, key, priority, run_at, max_attempts, payload, trace_parent, group_key) overriding system value select id, queue, key, priority, coalesce(run_at, now()), max_attempts, payload::jsonb, trace_parent, group_key from given order by queue, key, place on conflict (queue, key) where key is not null do nothing returning id) select written.id as job from given left join written on written.id = given.id order by given.place \gset
commit;
";

/// A photo, then its message, medium and job, in the two commits that the ingress makes.
const PHOTO: &str = r"
\set key random(1, 9000000000000000000)
insert into blobs (sha256, mime, bytes, stored_at) select sha256((:key)::text::bytea), 'image/jpeg', bytes, now() from bench_photo on conflict (sha256) do nothing;
begin;
with fresh as (insert into message_ids (wamid_sha256, first_seen_at) values (sha256(('wamid.pgbench' || :key)::bytea), now()) on conflict do nothing returning wamid_sha256) insert into messages (wamid, phone_number_id, phone, profile_name, kind, sent_at, raw, received_at, accepted_at) select 'wamid.pgbench' || :key, '106540352242922', '420777123456', 'Jana', 'media', now(), repeat('x', 260)::bytea, now(), now() from fresh returning id \gset
insert into media (message_id, media_id, declared_mime, state, sha256) values (:id::bigint, '1', 'image/jpeg', 'stored', sha256((:key)::text::bytea));
insert into apalis_lease.jobs (queue, key, priority, run_at, max_attempts, payload) select queue, null, 1, now(), 33, payload::jsonb from unnest(array['messages'], array[jsonb_build_object('message_id', :id::bigint)::text]) as given (queue, payload);
commit;
";

/// What is committed.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// A text and its job.
    Text,
    /// 200 kB, and their message and job.
    Photo,
}

/// Transactions a second of `clients` at once, for `seconds`.
pub async fn run(stage: &Stage, script: Script, clients: u32, seconds: u64) -> anyhow::Result<f64> {
    let file = stage.folder().join("pgbench.sql");
    let text = match script {
        Script::Text => TEXT,
        Script::Photo => PHOTO,
    };
    std::fs::write(&file, text)?;
    let mut pgbench = Command::new(stage.tool("pgbench"));
    pgbench.args(["-n", "-M", "prepared", "-j", "1", "-c", &clients.to_string()]);
    pgbench.args(["-T", &seconds.to_string(), "-f"]).arg(&file).arg(stage.url());
    let ended = tokio::task::spawn_blocking(move || pgbench.output()).await??;
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    ensure!(ended.status.success(), "pgbench: {}", String::from_utf8_lossy(&ended.stderr));
    let tps =
        said.lines().find_map(|it| it.strip_prefix("tps = ")).context("pgbench said no tps")?;
    Ok(tps.split(' ').next().unwrap_or_default().parse()?)
}
