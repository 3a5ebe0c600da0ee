-- Why: what `paragon forget` has erased stays erased: a webhook of that person that still lies in
-- the spool of an ingress is not replayed, and a status of a message that went to them leaves no
-- trace. Locks nothing: new tables only.

create table erasures (
    id bigint generated always as identity,
    salt bytea not null,
    identity_sha256 bytea not null,
    erased_at timestamptz not null,
    theirs_until timestamptz,
    constraint erasures_pkey primary key (id),
    constraint erasures_hold_digests check (octet_length(identity_sha256) = 32),
    constraint erasures_are_salted check (octet_length(salt) = 16)
);
comment on table erasures is 'Tombstones: whoever is known by this identity was erased then. A salted digest, which names nobody to who only reads it; who can guess a number can test it. So it lives 30 days, no longer than a spool should.';
comment on column erasures.identity_sha256 is 'SHA-256 of the salt and then the number in its one way of writing (senders.phone_key), or the user id.';
comment on column erasures.erased_at is 'What reached us before is theirs and erased; who writes after that is a new sender.';
comment on column erasures.theirs_until is 'Of a number that they had given up: what was sent after that is somebody else''s.';

create table erased_sends (
    id_sha256 bytea not null,
    erased_at timestamptz not null,
    constraint erased_sends_pkey primary key (id_sha256),
    constraint erased_sends_hold_digests check (octet_length(id_sha256) = 32)
);
comment on table erased_sends is 'SHA-256 of the ids (Meta''s and ours) of what was sent to people who are erased: its statuses are not parked. Lives 30 days; Meta tells statuses for 7.';
