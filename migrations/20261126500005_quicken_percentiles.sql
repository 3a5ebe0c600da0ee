-- Why: ops.latency of an hour computes some two thousand percentiles; one pass that ends where it has found
-- its bucket takes a quarter of the time. The same result for the same histogram.
-- Locks nothing: a function is replaced.

create or replace function histogram_percentile(buckets integer[], fraction double precision)
returns double precision
language plpgsql immutable parallel safe as $$
declare
    total bigint := 0;
    wanted double precision;
    up_to bigint := 0;
    place integer := 0;
    runs integer;
    upper double precision;
    lower double precision;
begin
    foreach runs in array buckets loop
        total := total + runs;
    end loop;
    wanted := fraction * total;
    foreach runs in array buckets loop
        place := place + 1;
        if runs > 0 and up_to + runs >= wanted then
            upper := 2 ^ ((place - 1) / 4.0::double precision);
            lower := case place when 1 then 0 else 2 ^ ((place - 2) / 4.0::double precision) end;
            return round((lower + (upper - lower) * (wanted - up_to) / runs)::numeric, 1);
        end if;
        up_to := up_to + runs;
    end loop;
    return null;
end
$$;
