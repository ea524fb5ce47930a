-- Books and invoices are written many at a time, and whether what their rows refer to is there is asked once for all rows of a
-- statement. A question a row and reference, as foreign keys ask it, took most of the time of posting. Nothing that is referred
-- to here is ever deleted, and no key changes: who may insert may neither delete there nor change these columns.
CREATE FUNCTION refer_in_sets(source regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    fk record;
    checks text := '';
    name text := relname || '_refer' FROM pg_class WHERE oid = source;
BEGIN
    FOR fk IN
        SELECT c.conname, c.confrelid::regclass AS target,
               string_agg(quote_ident(own.attname), ', ' ORDER BY k.place) AS columns,
               string_agg(format('t.%I = w.%I', theirs.attname, own.attname), ' AND ' ORDER BY k.place) AS matches,
               string_agg(format('w.%I IS NOT NULL', own.attname), ' AND ') FILTER (WHERE NOT own.attnotnull) AS given
        FROM pg_constraint c
        CROSS JOIN unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (own, theirs, place)
        JOIN pg_attribute own ON own.attrelid = c.conrelid AND own.attnum = k.own
        JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = k.theirs
        WHERE c.conrelid = source AND c.contype = 'f'
        GROUP BY c.oid ORDER BY c.conname
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', source, fk.conname);
        checks := checks || format($check$
    IF EXISTS (SELECT FROM (SELECT DISTINCT %s FROM written) w
               WHERE %s NOT EXISTS (SELECT FROM %s t WHERE %s))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what %s refers to is not there', CONSTRAINT = %L;
    END IF;$check$,
            fk.columns, coalesce(fk.given || ' AND', ''), fk.target, fk.matches, source, fk.conname);
    END LOOP;
    -- The indexes are used however young a table is: a plan is kept for as long as the connection.
    EXECUTE format($function$
CREATE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $trigger$
BEGIN%s
    RETURN NULL;
END $trigger$
$function$, name, checks);
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION %I()',
        name, source, name);
END $$;

-- In the order in which they are written.
LOCK TABLE tenants, accounts, subscriptions, plan_versions, billing_runs, invoices, invoice_lines, invoice_taxes, billed_periods,
    ledger_entries, ledger_postings IN ACCESS EXCLUSIVE MODE;
SELECT refer_in_sets('invoices');
SELECT refer_in_sets('invoice_lines');
SELECT refer_in_sets('invoice_taxes');
SELECT refer_in_sets('billed_periods');
SELECT refer_in_sets('ledger_entries');
SELECT refer_in_sets('ledger_postings');
DROP FUNCTION refer_in_sets;
