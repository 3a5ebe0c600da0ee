-- Why: one worker at a time asks Stripe who a sender's customer is, holding neither a transaction
-- nor a connection meanwhile; two customers for one sender are there for the operator to see.
-- Locks: senders for a moment (a column without a default).

alter table senders add column lookup_until timestamptz;
comment on column senders.lookup_until is 'A worker is asking Stripe who the customer is, and is believed to be at it until then; by Postgres''s clock.';

create table doubled_customers (
    sender_id bigint not null,
    customer_id text not null,
    other_customer_id text not null,
    seen_at timestamptz not null,
    constraint doubled_customers_pkey primary key (sender_id, other_customer_id),
    constraint doubled_customers_sender_fkey foreign key (sender_id) references senders (id) on delete cascade,
    constraint doubled_customers_are_two check (customer_id <> other_customer_id)
);
comment on table doubled_customers is 'Senders for whom Stripe shows two customers. The older, customer_id, is used; see paragon doctor.';
