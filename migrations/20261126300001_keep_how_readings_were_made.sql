-- Why: a reading says how sure it is of each field, the tax number and the tax lines that it saw,
-- and, where somebody was paid for it, which model with which prompt took how many tokens.
-- Locks: readings exclusively, for a moment (columns without a default are only noted). The checks
-- are validated after, while the table is in use.
alter table readings
    add column merchant_sure smallint,
    add column total_sure smallint,
    add column currency_sure smallint,
    add column date_sure smallint,
    add column category_sure smallint,
    add column tax_number text,
    add column tax_lines jsonb,
    add column model text,
    add column prompt text,
    add column input_tokens bigint,
    add column output_tokens bigint,
    add column cost_micro_usd bigint;

alter table readings
    add constraint readings_sure_is_percent check (
        merchant_sure between 0 and 100 and total_sure between 0 and 100
        and currency_sure between 0 and 100 and date_sure between 0 and 100
        and category_sure between 0 and 100
    ) not valid,
    add constraint readings_usage_is_whole check (
        (model is null) = (prompt is null) and (model is null) = (input_tokens is null)
        and (model is null) = (output_tokens is null)
    ) not valid;
alter table readings validate constraint readings_sure_is_percent;
alter table readings validate constraint readings_usage_is_whole;

comment on column readings.total_sure is 'How sure the engine was of the total, in percent; likewise for the other fields. Null where the field is unknown or the engine does not say.';
comment on column readings.tax_number is 'The merchant''s tax number, as printed.';
comment on column readings.tax_lines is 'The printed tax table: an array of {"rate": percent, "net": amount, "tax": amount}, each a text.';
comment on column readings.prompt is 'The version of the prompt and answer schema that the model was asked with.';
comment on column readings.cost_micro_usd is 'Millionths of a US dollar, by the prices that this version knows; null for a model whose price is unknown.';
