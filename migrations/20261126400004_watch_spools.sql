-- Why: an echo may lie in the spool of an ingress that could not reach Postgres. Before an answer of
-- unknown outcome is sent again, every ingress must have said that its spool is empty.
-- Locks: nothing that exists.

create table ingresses (
    id uuid not null,
    seen_at timestamptz not null,
    spool_empty_at timestamptz,
    constraint ingresses_pkey primary key (id),
    constraint ingresses_empty_when_seen check (spool_empty_at <= seen_at)
);
comment on table ingresses is 'Each ingress that runs: when it was last heard of, and when its spool was last empty; by Postgres''s clock. One that ends well takes its row away.';
