-- Why: dashboards and scripts read the `ops` views and nothing else, by a role of their own. Where the
-- migrating user may not create roles, or there is one already, the rest goes on all the same: the
-- views are there, and docs/dashboards.md says what an administrator runs.
-- Locks nothing.

do $$
begin
    if not exists (select from pg_roles where rolname = 'paragon_reader') then
        create role paragon_reader nologin;
    end if;
exception
    -- A role belongs to the whole server: another database of it may be migrated at this moment.
    when duplicate_object or unique_violation then
        null;
    when insufficient_privilege then
        raise warning 'the role paragon_reader was not made: this user may not create roles. See docs/dashboards.md, "Who may read"';
end
$$;

do $$
begin
    if exists (select from pg_roles where rolname = 'paragon_reader') then
        grant usage on schema ops to paragon_reader;
        grant select on all tables in schema ops to paragon_reader;
        -- Views that later versions add are meant too.
        alter default privileges in schema ops grant select on tables to paragon_reader;
    end if;
end
$$;
