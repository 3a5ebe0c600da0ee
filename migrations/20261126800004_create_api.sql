-- Why: programs of the integrator's ask and act by an API, each with a key of its own. Locks nothing:
-- new tables only.

create table api_keys (
    id bigint generated always as identity,
    label text not null,
    hint text not null,
    key_sha256 bytea not null,
    scopes text[] not null,
    numbers text[],
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint api_keys_pkey primary key (id),
    constraint api_keys_key_unique unique (key_sha256),
    constraint api_keys_hold_digests check (octet_length(key_sha256) = 32),
    constraint api_keys_may_something check (cardinality(scopes) > 0),
    constraint api_keys_numbers_are_some check (cardinality(numbers) > 0)
);
comment on table api_keys is 'Who may use the API. The key itself is shown once, when it is made; here is its digest: 256 random bits need no salt.';
comment on column api_keys.hint is 'How the key begins, to tell one from another.';
comment on column api_keys.numbers is 'Meta''s ids of the numbers that it may see; null is all of them.';
comment on column api_keys.last_used_at is 'To the minute.';

create table api_requests (
    key_id bigint not null,
    name_sha256 bytea not null,
    content_sha256 bytea not null,
    began_at timestamptz not null,
    result_id bigint,
    constraint api_requests_pkey primary key (key_id, name_sha256),
    constraint api_requests_key_fkey foreign key (key_id) references api_keys (id),
    constraint api_requests_hold_digests
        check (octet_length(name_sha256) = 32 and octet_length(content_sha256) = 32)
);
create index api_requests_by_time on api_requests (began_at);
comment on table api_requests is 'Writes with an Idempotency-Key, for 24 hours: the same one again does nothing more. Digests, so that nothing of a request is kept.';
comment on column api_requests.result_id is 'The row that it wrote; null while it is under way.';

create table photo_link_keys (
    id bigint generated always as identity,
    key bytea not null,
    created_at timestamptz not null default now(),
    constraint photo_link_keys_pkey primary key (id),
    constraint photo_link_keys_are_long check (octet_length(key) >= 32)
);
comment on table photo_link_keys is 'What links to photos are signed with; the newest signs, all of them hold. Delete one, and its links are dead.';
-- Two random UUIDs: 244 random bits, without an extension.
insert into photo_link_keys (key)
values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

create view ops.api_keys as
select id, label, hint, scopes, numbers, created_at, last_used_at, revoked_at
from api_keys;
comment on view ops.api_keys is 'One row a key of the API; not the key itself.';
comment on column ops.api_keys.id is 'Ours; audit_log calls it "API key 3".';
comment on column ops.api_keys.label is 'Whose it is.';
comment on column ops.api_keys.hint is 'How it begins.';
comment on column ops.api_keys.scopes is 'What it may do.';
comment on column ops.api_keys.numbers is 'Meta''s ids of the numbers that it may see; null is all of them.';
comment on column ops.api_keys.created_at is 'When it was made.';
comment on column ops.api_keys.last_used_at is 'When it was last used, to the minute; null: never.';
comment on column ops.api_keys.revoked_at is 'Since when it is good for nothing.';
