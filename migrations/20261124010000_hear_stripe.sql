-- Why: Stripe's webhooks keep the local copy of a customer true; the two ways of writing a number of
-- Brazil, Argentina or Mexico are one sender; searches of all workers share one pace.
-- Locks: senders, for one pass over it (a row a person), since the new column is computed. The index
-- is made here and not concurrently: senders is locked anyway.

alter table senders
    add column phone_key text generated always as (
        case
            when phone ~ '^55[1-9][1-9]9?[6-9][0-9]{7}$' then '55' || substr(phone, 3, 2) || '9' || right(phone, 8)
            when phone ~ '^549?[123][0-9]{9}$' then '549' || right(phone, 10)
            when phone ~ '^521?[2-9][0-9]{9}$' then '52' || right(phone, 10)
            else phone
        end
    ) stored,
    add constraint senders_phone_key_unique unique (phone_key);
comment on column senders.phone_key is 'The same for both ways of writing one number (Brazil, Argentina, Mexico); for comparing only.';

create index senders_by_customer on senders (customer_id) where customer_id is not null;

create table stripe_events (
    event_id text not null,
    customer_id text not null,
    created_at timestamptz not null,
    received_at timestamptz not null,
    raises_doubt boolean not null,
    constraint stripe_events_pkey primary key (event_id)
);
comment on table stripe_events is 'Webhooks of Stripe about customers, each once. Those that raise doubt make the next photo ask Stripe who the customer is.';
comment on column stripe_events.created_at is 'Stripe''s time, in whole seconds.';
create index stripe_events_by_customer on stripe_events (customer_id, received_at);

create table paces (
    name text not null,
    free_at timestamptz not null,
    constraint paces_pkey primary key (name)
);
comment on table paces is 'Up to when the calls of all workers to somebody with a limit are spoken for; by Postgres''s clock.';
