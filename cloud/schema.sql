-- The whole schema after all migrations. Made by `cargo xtask schema`; do not edit.
CREATE SCHEMA platform;

ALTER SCHEMA platform OWNER TO weir_owner;

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE FUNCTION public.allocations_fit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.invoice_id = NEW.invoice_id)
       > (SELECT i.gross FROM invoices i WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.invoice_id) THEN
        RAISE EXCEPTION 'invoice % would be paid more than it asks for', NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_invoice';
    END IF;
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.payment_id = NEW.payment_id)
       > (SELECT p.amount - coalesce((SELECT sum(r.amount) FROM refunds r
                                      WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id AND r.status = 'succeeded'), 0)
          FROM payments p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.payment_id) THEN
        RAISE EXCEPTION 'payment % would settle more than it brought', NEW.payment_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_payment';
    END IF;
    IF NEW.refund_id IS NOT NULL
       AND (SELECT sum(a.amount) FROM allocations a
            WHERE a.tenant_id = NEW.tenant_id AND a.payment_id = NEW.payment_id AND a.invoice_id = NEW.invoice_id) < 0 THEN
        RAISE EXCEPTION 'payment % would give back more than it settled', NEW.payment_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_refunds_fit_the_invoice';
    END IF;
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.credit_id = NEW.credit_id)
       > (SELECT -i.gross FROM invoices i WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.credit_id) THEN
        RAISE EXCEPTION 'credit % would settle more than it gives', NEW.credit_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_credit';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.allocations_fit() OWNER TO weir_super;

CREATE FUNCTION public.append_only(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM weir_app', target);
END $$;

ALTER FUNCTION public.append_only(target regclass) OWNER TO weir_super;

CREATE FUNCTION public.asked_until(valid daterange, in_arrears boolean, day smallint, seen_on date) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN NOT in_arrears THEN seen_on + 1
                WHEN upper(valid) <= seen_on THEN upper(valid)
                ELSE last_billing_day(day, seen_on) END
$$;

ALTER FUNCTION public.asked_until(valid daterange, in_arrears boolean, day smallint, seen_on date) OWNER TO weir_super;

CREATE FUNCTION public.before_tax(price numeric, included boolean, percent numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN included THEN price * 100 / (100 + percent) ELSE price END
$$;

ALTER FUNCTION public.before_tax(price numeric, included boolean, percent numeric) OWNER TO weir_super;

CREATE FUNCTION public.billed_periods_refer() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what billed_periods refers to is not there', CONSTRAINT = 'billed_periods_tenant_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, invoice_line_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM invoice_lines t WHERE t.tenant_id = w.tenant_id AND t.id = w.invoice_line_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what billed_periods refers to is not there', CONSTRAINT = 'billed_periods_tenant_id_invoice_line_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, subscription_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM subscriptions t WHERE t.tenant_id = w.tenant_id AND t.id = w.subscription_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what billed_periods refers to is not there', CONSTRAINT = 'billed_periods_tenant_id_subscription_id_fkey';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.billed_periods_refer() OWNER TO weir_super;

CREATE FUNCTION public.billing_day_of(day smallint, months integer) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT last_billing_day(day, (make_date((months + 1) / 12, (months + 1) % 12 + 1, 1)) - 1)
$$;

ALTER FUNCTION public.billing_day_of(day smallint, months integer) OWNER TO weir_super;

CREATE FUNCTION public.books_closed_through(tenant uuid) RETURNS date
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN (SELECT through FROM ledger_closings WHERE tenant_id = tenant ORDER BY turn DESC LIMIT 1);
END $$;

ALTER FUNCTION public.books_closed_through(tenant uuid) OWNER TO weir_super;

CREATE FUNCTION public.charge_is_not_billed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM billed_charges b WHERE b.tenant_id = NEW.tenant_id AND b.charge_id = NEW.id) THEN
        RAISE EXCEPTION 'charge % is billed and can no longer change', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'one_time_charges_billed_is_final';
    END IF;
    RETURN NEW;
END $$;

ALTER FUNCTION public.charge_is_not_billed() OWNER TO weir_super;

CREATE FUNCTION public.credit_notes_fit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoices i
        WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.corrects_id AND i.status = 'issued' AND i.corrects_id IS NULL
          AND i.account_id = NEW.account_id AND i.currency = NEW.currency
          AND i.gross >= (SELECT -sum(n.gross) FROM invoices n WHERE n.tenant_id = NEW.tenant_id AND n.corrects_id = NEW.corrects_id)
    ) THEN
        RAISE EXCEPTION 'credit note % gives back more than invoice % asked for', NEW.id, NEW.corrects_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_notes_fit_the_invoice';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.credit_notes_fit() OWNER TO weir_super;

CREATE FUNCTION public.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;

ALTER FUNCTION public.current_tenant() OWNER TO weir_super;

CREATE FUNCTION public.days_not_charged(line uuid) RETURNS datemultirange
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    free datemultirange;
BEGIN
    SELECT range_agg(p.days) INTO free FROM pauses p WHERE p.subscription_id = line AND p.price IS NULL AND p.cancelled_at IS NULL;
    free := coalesce(free, '{}');
    IF EXISTS (SELECT FROM plan_versions WHERE phases <> '[]') THEN
        free := free + coalesce((SELECT range_agg(i.days) FROM introductory_prices(line) i WHERE i.price = 0), '{}');
    END IF;
    RETURN free;
END $$;

ALTER FUNCTION public.days_not_charged(line uuid) OWNER TO weir_super;

CREATE FUNCTION public.events_refer() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what events refers to is not there', CONSTRAINT = 'events_tenant_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, account_id FROM written) w
               WHERE w.account_id IS NOT NULL AND NOT EXISTS (SELECT FROM accounts t WHERE t.tenant_id = w.tenant_id AND t.id = w.account_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what events refers to is not there', CONSTRAINT = 'events_tenant_id_account_id_fkey';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.events_refer() OWNER TO weir_super;

CREATE FUNCTION public.home_tax_percent(seen_at timestamp with time zone) RETURNS numeric
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    tax record;
    whole numeric := 100;
BEGIN
    FOR tax IN
        SELECT r.rate_percent, r.compound FROM tax_rules r JOIN tenants t ON t.tenant_id = r.tenant_id AND t.country = r.country
        WHERE (r.region, r.city, r.postcode) = ('', '', '') AND r.withdrawn_at IS NULL AND r.days @> (seen_at AT TIME ZONE t.time_zone)::date
        ORDER BY r.turn, lower(r.tax), r.id
    LOOP
        whole := whole + tax.rate_percent * CASE WHEN tax.compound THEN whole / 100 ELSE 1 END;
    END LOOP;
    RETURN whole - 100;
END $$;

ALTER FUNCTION public.home_tax_percent(seen_at timestamp with time zone) OWNER TO weir_super;

CREATE FUNCTION public.introductory_prices(line uuid) RETURNS TABLE(days daterange, price numeric)
    LANGUAGE sql STABLE
    AS $$
    WITH began AS (
        SELECT t.valid, v.phases, a.billing_day,
               extract(year FROM first)::int * 12 + extract(month FROM first)::int - 1 + (first < lower(t.valid))::int AS month
        FROM subscriptions s
        JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
        JOIN LATERAL (SELECT * FROM subscription_terms o WHERE o.subscription_id = s.id ORDER BY lower(o.valid) LIMIT 1) t ON true
        JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id AND v.phases <> '[]'
        CROSS JOIN LATERAL (SELECT last_billing_day(a.billing_day, lower(t.valid)) AS first) f
        WHERE s.id = line AND EXISTS (SELECT FROM plan_versions WHERE phases <> '[]')),
    phases AS (
        SELECT began.*, (p.value->'price'->>'amount')::numeric AS price, (p.value->>'months')::int AS months,
               sum((p.value->>'months')::int) OVER (ORDER BY p.ordinality)::int AS until
        FROM began CROSS JOIN LATERAL jsonb_array_elements(began.phases) WITH ORDINALITY p)
    SELECT held.days, phases.price
    FROM phases
    CROSS JOIN LATERAL (SELECT valid * daterange(CASE WHEN until > months THEN billing_day_of(billing_day, month + until - months) END,
                                                 billing_day_of(billing_day, month + until)) AS days) held
    WHERE NOT isempty(held.days)
$$;

ALTER FUNCTION public.introductory_prices(line uuid) OWNER TO weir_super;

CREATE FUNCTION public.invoice_lines_refer() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, credits_line_id FROM written) w
               WHERE w.credits_line_id IS NOT NULL AND NOT EXISTS (SELECT FROM invoice_lines t WHERE t.tenant_id = w.tenant_id AND t.id = w.credits_line_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoice_lines refers to is not there', CONSTRAINT = 'invoice_lines_tenant_id_credits_line_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoice_lines refers to is not there', CONSTRAINT = 'invoice_lines_tenant_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, invoice_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM invoices t WHERE t.tenant_id = w.tenant_id AND t.id = w.invoice_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoice_lines refers to is not there', CONSTRAINT = 'invoice_lines_tenant_id_invoice_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, plan_version_id FROM written) w
               WHERE w.plan_version_id IS NOT NULL AND NOT EXISTS (SELECT FROM plan_versions t WHERE t.tenant_id = w.tenant_id AND t.id = w.plan_version_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoice_lines refers to is not there', CONSTRAINT = 'invoice_lines_tenant_id_plan_version_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, subscription_id FROM written) w
               WHERE w.subscription_id IS NOT NULL AND NOT EXISTS (SELECT FROM subscriptions t WHERE t.tenant_id = w.tenant_id AND t.id = w.subscription_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoice_lines refers to is not there', CONSTRAINT = 'invoice_lines_tenant_id_subscription_id_fkey';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.invoice_lines_refer() OWNER TO weir_super;

CREATE FUNCTION public.invoice_taxes_refer() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoice_taxes refers to is not there', CONSTRAINT = 'invoice_taxes_tenant_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, invoice_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM invoices t WHERE t.tenant_id = w.tenant_id AND t.id = w.invoice_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoice_taxes refers to is not there', CONSTRAINT = 'invoice_taxes_tenant_id_invoice_id_fkey';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.invoice_taxes_refer() OWNER TO weir_super;

CREATE FUNCTION public.invoices_refer() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, account_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM accounts t WHERE t.tenant_id = w.tenant_id AND t.id = w.account_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoices refers to is not there', CONSTRAINT = 'invoices_tenant_id_account_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, corrects_id FROM written) w
               WHERE w.corrects_id IS NOT NULL AND NOT EXISTS (SELECT FROM invoices t WHERE t.tenant_id = w.tenant_id AND t.id = w.corrects_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoices refers to is not there', CONSTRAINT = 'invoices_tenant_id_corrects_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoices refers to is not there', CONSTRAINT = 'invoices_tenant_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, run_id FROM written) w
               WHERE w.run_id IS NOT NULL AND NOT EXISTS (SELECT FROM billing_runs t WHERE t.tenant_id = w.tenant_id AND t.id = w.run_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what invoices refers to is not there', CONSTRAINT = 'invoices_tenant_id_run_id_fkey';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.invoices_refer() OWNER TO weir_super;

CREATE FUNCTION public.is_billed_beside_pauses(line uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pauses p WHERE p.subscription_id = line AND p.price IS NOT NULL) AND EXISTS (
        SELECT FROM billed_periods b
        JOIN invoice_lines l ON l.id = b.invoice_line_id
        JOIN plan_versions v ON v.id = l.plan_version_id
        CROSS JOIN LATERAL (SELECT range_agg(p.days) AS days, bool_or(p.price <> l.unit_price) AS differs FROM pauses p
                            WHERE p.subscription_id = line AND p.price IS NOT NULL AND p.cancelled_at IS NULL AND p.days && b.period) h
        WHERE b.subscription_id = line AND b.component = 'recurring'
          AND (h.differs OR (l.unit_price <> plan_price_on(line, v.price, lower(b.period)) AND b.period <@ h.days IS NOT TRUE)));
END $$;

ALTER FUNCTION public.is_billed_beside_pauses(line uuid) OWNER TO weir_super;

CREATE FUNCTION public.is_free_time(end_at timestamp with time zone, zone text, windows jsonb) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT coalesce((
        SELECT coalesce((w.rule ->> 'free')::boolean, false)
        FROM jsonb_array_elements(windows) WITH ORDINALITY AS w (rule, place)
        CROSS JOIN LATERAL (SELECT (end_at - interval '1 microsecond') AT TIME ZONE zone AS at) AS l
        CROSS JOIN LATERAL (SELECT (w.rule ->> 'from')::time AS begins, (w.rule ->> 'to')::time AS ends,
                                   w.rule -> 'days' ? trim(to_char(l.at, 'day')) AS today,
                                   w.rule -> 'days' ? trim(to_char(l.at - interval '1 day', 'day')) AS yesterday) AS d
        WHERE CASE WHEN d.begins < d.ends THEN d.today AND l.at::time >= d.begins AND l.at::time < d.ends
                   ELSE (d.today AND l.at::time >= d.begins) OR (d.yesterday AND l.at::time < d.ends) END
        ORDER BY w.place LIMIT 1), false) $$;

ALTER FUNCTION public.is_free_time(end_at timestamp with time zone, zone text, windows jsonb) OWNER TO weir_super;

CREATE FUNCTION public.isolate_by_tenant(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s OWNER TO weir_owner', target);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY tenant ON %s FOR ALL TO weir_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))',
        target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO weir_app', target);
    EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id SET (n_distinct = 20)', target);
END $$;

ALTER FUNCTION public.isolate_by_tenant(target regclass) OWNER TO weir_super;

CREATE FUNCTION public.issued_invoice_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.status = 'issued' THEN
        RAISE EXCEPTION 'invoice % is issued and can no longer change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_issued_is_final';
    END IF;
    RETURN NEW;
END $$;

ALTER FUNCTION public.issued_invoice_is_final() OWNER TO weir_super;

CREATE FUNCTION public.last_billing_day(day smallint, seen_on date) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN here <= seen_on THEN here
                ELSE (first - 1) - greatest(0, extract(day FROM first - 1)::int - day) END
    FROM (SELECT first, first + least(day::int, extract(day FROM (first + interval '1 month')::date - 1)::int) - 1 AS here
          FROM (SELECT date_trunc('month', seen_on::timestamp)::date AS first) m) d
$$;

ALTER FUNCTION public.last_billing_day(day smallint, seen_on date) OWNER TO weir_super;

CREATE FUNCTION public.ledger_entries_are_of_open_days() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('books ' || tenant_id, 0)) FROM (SELECT DISTINCT tenant_id FROM added) AS whose;
    IF EXISTS (SELECT FROM (SELECT tenant_id, min(posted_on) AS first FROM added GROUP BY tenant_id) whose
               WHERE first <= books_closed_through(tenant_id)) THEN
        RAISE EXCEPTION 'the books are closed on the day of an entry'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_are_of_open_days';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.ledger_entries_are_of_open_days() OWNER TO weir_super;

CREATE FUNCTION public.ledger_entries_balance() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    odd uuid;
BEGIN
    SELECT p.entry_id INTO odd FROM written p GROUP BY p.tenant_id, p.entry_id, p.currency HAVING sum(p.amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % does not balance', odd
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_balance';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.ledger_entries_balance() OWNER TO weir_super;

CREATE FUNCTION public.ledger_entries_have_postings() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
DECLARE
    odd uuid;
BEGIN
    SELECT e.id INTO odd FROM written e
    WHERE NOT EXISTS (SELECT FROM ledger_postings p WHERE p.tenant_id = e.tenant_id AND p.entry_id = e.id OFFSET 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % has fewer than two postings', odd
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_have_postings';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.ledger_entries_have_postings() OWNER TO weir_super;

CREATE FUNCTION public.ledger_entries_refer() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what ledger_entries refers to is not there', CONSTRAINT = 'ledger_entries_tenant_id_fkey';
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.ledger_entries_refer() OWNER TO weir_super;

CREATE FUNCTION public.ledger_postings_refer() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $_$
DECLARE
    missing boolean;
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, account_id FROM written) w
               WHERE w.account_id IS NOT NULL AND NOT EXISTS (SELECT FROM accounts t WHERE t.tenant_id = w.tenant_id AND t.id = w.account_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what ledger_postings refers to is not there', CONSTRAINT = 'ledger_postings_tenant_id_account_id_fkey';
    END IF;
    EXECUTE $ask$SELECT EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, entry_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM ledger_entries t WHERE t.tenant_id = w.tenant_id AND t.id = w.entry_id OFFSET 0))$ask$ INTO missing;
    IF missing THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what ledger_postings refers to is not there', CONSTRAINT = 'ledger_postings_tenant_id_entry_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE  NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id OFFSET 0))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what ledger_postings refers to is not there', CONSTRAINT = 'ledger_postings_tenant_id_fkey';
    END IF;
    RETURN NULL;
END $_$;

ALTER FUNCTION public.ledger_postings_refer() OWNER TO weir_super;

CREATE FUNCTION public.never_deleted(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %s FROM weir_app', target);
END $$;

ALTER FUNCTION public.never_deleted(target regclass) OWNER TO weir_super;

CREATE FUNCTION public.payer_can_pay() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.payer_id IS NOT NULL AND (
        EXISTS (SELECT FROM accounts c WHERE c.tenant_id = NEW.tenant_id AND c.payer_id = NEW.id)
        OR NOT EXISTS (SELECT FROM accounts p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.payer_id AND p.payer_id IS NULL
                       AND (p.currency, p.time_zone, p.billing_day) = (NEW.currency, NEW.time_zone, NEW.billing_day))) THEN
        RAISE EXCEPTION 'account % cannot pay for account %', NEW.payer_id, NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_payer_can_pay';
    END IF;
    RETURN NEW;
END $$;

ALTER FUNCTION public.payer_can_pay() OWNER TO weir_super;

CREATE FUNCTION public.plan_price_on(line uuid, price numeric, seen_on date) RETURNS numeric
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce((SELECT i.price FROM introductory_prices(line) i WHERE i.days @> seen_on), price)
$$;

ALTER FUNCTION public.plan_price_on(line uuid, price numeric, seen_on date) OWNER TO weir_super;

CREATE FUNCTION public.port_blocks_are_history() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.ended_at IS NOT NULL THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'DELETE'
       OR (NEW.tenant_id, NEW.id, NEW.router_id, NEW.subscription_id, NEW.address, NEW.first_port, NEW.last_port, NEW.assigned_at)
          IS DISTINCT FROM
          (OLD.tenant_id, OLD.id, OLD.router_id, OLD.subscription_id, OLD.address, OLD.first_port, OLD.last_port, OLD.assigned_at)
       OR NEW.in_force_at IS DISTINCT FROM coalesce(OLD.in_force_at, NEW.in_force_at)
       OR NEW.ended_at IS DISTINCT FROM coalesce(OLD.ended_at, NEW.ended_at)
       OR NEW.free_at IS DISTINCT FROM coalesce(OLD.free_at, NEW.free_at)
       OR NEW.out_of_force_at IS DISTINCT FROM coalesce(OLD.out_of_force_at, NEW.out_of_force_at) THEN
        RAISE EXCEPTION 'port block % is history and can no longer change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'port_blocks_are_history';
    END IF;
    RETURN NEW;
END $$;

ALTER FUNCTION public.port_blocks_are_history() OWNER TO weir_super;

CREATE FUNCTION public.portal_follows_email() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- In the order in which a password is set, so that the two wait for each other.
    DELETE FROM portal_links WHERE tenant_id = NEW.tenant_id AND subscriber_id = NEW.id AND used_at IS NULL;
    UPDATE portal_logins SET password_hash = NULL, password_set_at = NULL
    WHERE tenant_id = NEW.tenant_id AND subscriber_id = NEW.id AND password_hash IS NOT NULL;
    DELETE FROM portal_sessions WHERE tenant_id = NEW.tenant_id AND subscriber_id = NEW.id;
    RETURN NULL;
END $$;

ALTER FUNCTION public.portal_follows_email() OWNER TO weir_super;

CREATE FUNCTION public.price_a_month(price numeric, months smallint, days smallint) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN months = 1 THEN price WHEN months IS NOT NULL THEN price / months ELSE price * 365 / (12 * days) END
$$;

ALTER FUNCTION public.price_a_month(price numeric, months smallint, days smallint) OWNER TO weir_super;

CREATE FUNCTION public.price_on(line uuid, price numeric, seen_on date) RETURNS numeric
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce((SELECT 0 FROM introductory_prices(line) i WHERE i.price = 0 AND i.days @> seen_on),
                    (SELECT coalesce(p.price, 0) FROM pauses p
                     WHERE p.subscription_id = line AND p.cancelled_at IS NULL AND p.days @> seen_on),
                    plan_price_on(line, price, seen_on))
$$;

ALTER FUNCTION public.price_on(line uuid, price numeric, seen_on date) OWNER TO weir_super;

CREATE FUNCTION public.share_with_platform(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM isolate_by_tenant(target);
    EXECUTE format('CREATE POLICY platform ON %s FOR ALL TO weir_platform USING (true) WITH CHECK (true)', target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO weir_platform', target);
END $$;

ALTER FUNCTION public.share_with_platform(target regclass) OWNER TO weir_super;

CREATE FUNCTION public.usage_segments_belong_to_a_record() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, agent_id, epoch, seq FROM added) a
               WHERE NOT EXISTS (SELECT FROM usage_records r
                                 WHERE r.tenant_id = a.tenant_id AND r.agent_id = a.agent_id AND r.epoch = a.epoch AND r.seq = a.seq))
    THEN
        RAISE foreign_key_violation USING MESSAGE = 'a segment belongs to no record', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION public.usage_segments_belong_to_a_record() OWNER TO weir_super;

CREATE TABLE platform.api_keys (
    key_hash bytea NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    beginning text NOT NULL,
    scopes text[] NOT NULL,
    networks cidr[] NOT NULL,
    made_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    last_used_from text DEFAULT ''::text NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_hash_is_whole CHECK ((length(key_hash) = 32)),
    CONSTRAINT api_keys_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT api_keys_may_something CHECK ((cardinality(scopes) > 0))
);
ALTER TABLE ONLY platform.api_keys ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.api_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.api_keys OWNER TO weir_owner;

CREATE TABLE platform.authorities (
    id uuid NOT NULL,
    certificate bytea NOT NULL,
    sealed_key bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    issuing_since timestamp with time zone,
    retired_at timestamp with time zone
);

ALTER TABLE platform.authorities OWNER TO weir_owner;

CREATE TABLE platform.backups (
    began_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT backups_end_after_they_begin CHECK ((finished_at >= began_at))
);

ALTER TABLE platform.backups OWNER TO weir_owner;

CREATE TABLE platform.enrollment_tokens (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    router_id uuid NOT NULL,
    secret_digest bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    used_by_key bytea,
    agent_id uuid,
    CONSTRAINT enrollment_tokens_digest_is_whole CHECK ((length(secret_digest) = 32)),
    CONSTRAINT enrollment_tokens_use_is_whole CHECK ((((used_at IS NULL) = (used_by_key IS NULL)) AND ((used_at IS NULL) = (agent_id IS NULL))))
);
ALTER TABLE ONLY platform.enrollment_tokens ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.enrollment_tokens FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.enrollment_tokens OWNER TO weir_owner;

CREATE TABLE platform.gateways (
    id uuid NOT NULL,
    address text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

ALTER TABLE platform.gateways OWNER TO weir_owner;

CREATE TABLE platform.jobs (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    unique_key text,
    run_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    last_error text,
    done_at timestamp with time zone,
    failed_at timestamp with time zone,
    outward boolean DEFAULT false NOT NULL
);
ALTER TABLE ONLY platform.jobs ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.jobs FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.jobs OWNER TO weir_owner;

CREATE TABLE platform.log_in_attempts (
    address_hash bytea NOT NULL,
    failures integer NOT NULL,
    waits_until timestamp with time zone,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT log_in_attempts_hash_is_whole CHECK ((length(address_hash) = 32))
);

ALTER TABLE platform.log_in_attempts OWNER TO weir_owner;

CREATE TABLE platform.log_in_challenges (
    token_hash bytea NOT NULL,
    tenant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    address_hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT log_in_challenges_hash_is_whole CHECK ((length(token_hash) = 32))
);
ALTER TABLE ONLY platform.log_in_challenges ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.log_in_challenges FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.log_in_challenges OWNER TO weir_owner;

CREATE TABLE platform.portal_hosts (
    host text NOT NULL,
    tenant_id uuid NOT NULL,
    CONSTRAINT portal_hosts_are_lower_case CHECK (((host = lower(host)) AND (host <> ''::text)))
);
ALTER TABLE ONLY platform.portal_hosts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.portal_hosts FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.portal_hosts OWNER TO weir_owner;

CREATE TABLE platform.staff_invitations (
    token_hash bytea NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    invited_by uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT staff_invitations_hash_is_whole CHECK ((length(token_hash) = 32)),
    CONSTRAINT staff_invitations_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT staff_invitations_role_exists CHECK ((role = ANY (ARRAY['owner'::text, 'billing'::text, 'support'::text, 'network'::text, 'read_only'::text])))
);
ALTER TABLE ONLY platform.staff_invitations ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.staff_invitations FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.staff_invitations OWNER TO weir_owner;

CREATE TABLE platform.staff_logins (
    email_normalised text NOT NULL,
    tenant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    password_hash text NOT NULL
);
ALTER TABLE ONLY platform.staff_logins ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.staff_logins FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.staff_logins OWNER TO weir_owner;

CREATE TABLE platform.staff_sessions (
    token_hash bytea NOT NULL,
    tenant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    id uuid NOT NULL,
    address text DEFAULT ''::text NOT NULL
);
ALTER TABLE ONLY platform.staff_sessions ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.staff_sessions FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.staff_sessions OWNER TO weir_owner;

CREATE TABLE platform.support_mailboxes (
    token_hash bytea NOT NULL,
    tenant_id uuid NOT NULL,
    address text NOT NULL,
    tag_key bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT support_mailboxes_hash_is_whole CHECK ((length(token_hash) = 32)),
    CONSTRAINT support_mailboxes_key_is_whole CHECK ((length(tag_key) = 32))
);
ALTER TABLE ONLY platform.support_mailboxes ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.support_mailboxes FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.support_mailboxes OWNER TO weir_owner;

CREATE TABLE platform.tenants (
    tenant_id uuid NOT NULL,
    slug text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT tenants_slug_is_a_host_label CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text))
);
ALTER TABLE ONLY platform.tenants ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.tenants FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.tenants OWNER TO weir_owner;

CREATE TABLE platform.webhook_deliveries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid,
    kind text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone,
    leased_until timestamp with time zone,
    CONSTRAINT webhook_deliveries_pending_have_a_time CHECK (((status = 'pending'::text) = (next_attempt_at IS NOT NULL))),
    CONSTRAINT webhook_deliveries_status_exists CHECK ((status = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])))
);
ALTER TABLE ONLY platform.webhook_deliveries ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY platform.webhook_deliveries FORCE ROW LEVEL SECURITY;

ALTER TABLE platform.webhook_deliveries OWNER TO weir_owner;

CREATE TABLE public.access_points (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    router_id uuid NOT NULL,
    parent_id uuid,
    name text NOT NULL,
    committed_down_bps bigint NOT NULL,
    committed_up_bps bigint NOT NULL,
    peak_down_bps bigint NOT NULL,
    peak_up_bps bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT access_points_commit_within_peak CHECK (((committed_down_bps <= peak_down_bps) AND (committed_up_bps <= peak_up_bps))),
    CONSTRAINT access_points_committed_down_is_not_negative CHECK ((committed_down_bps >= 0)),
    CONSTRAINT access_points_committed_up_is_not_negative CHECK ((committed_up_bps >= 0)),
    CONSTRAINT access_points_hang_not_on_themselves CHECK ((parent_id <> id)),
    CONSTRAINT access_points_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT access_points_peak_down_is_positive CHECK ((peak_down_bps > 0)),
    CONSTRAINT access_points_peak_up_is_positive CHECK ((peak_up_bps > 0))
);
ALTER TABLE ONLY public.access_points ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.access_points FORCE ROW LEVEL SECURITY;

ALTER TABLE public.access_points OWNER TO weir_owner;

CREATE TABLE public.accounts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    number text NOT NULL,
    currency character(3) NOT NULL,
    time_zone text NOT NULL,
    billing_day smallint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    payer_id uuid,
    paid_since date,
    CONSTRAINT accounts_billing_day_is_a_day CHECK (((billing_day >= 1) AND (billing_day <= 31))),
    CONSTRAINT accounts_paid_since_a_day CHECK (((payer_id IS NULL) = (paid_since IS NULL))),
    CONSTRAINT accounts_payer_is_another CHECK ((payer_id <> id))
);
ALTER TABLE ONLY public.accounts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.accounts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.accounts OWNER TO weir_owner;

CREATE TABLE public.agent_events (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    at timestamp with time zone NOT NULL,
    text text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT agent_events_severity_exists CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text])))
);
ALTER TABLE ONLY public.agent_events ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.agent_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.agent_events OWNER TO weir_owner;

CREATE TABLE public.agents (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    router_id uuid NOT NULL,
    key_sha256 bytea NOT NULL,
    certificate bytea NOT NULL,
    certificate_until timestamp with time zone NOT NULL,
    hostname text DEFAULT ''::text NOT NULL,
    enrolled_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    session_id bigint,
    gateway text,
    connected_at timestamp with time zone,
    disconnected_at timestamp with time zone,
    last_seen_at timestamp with time zone,
    version text DEFAULT ''::text NOT NULL,
    kernel text DEFAULT ''::text NOT NULL,
    capabilities text[] DEFAULT '{}'::text[] NOT NULL,
    state_lineage uuid NOT NULL,
    desired_gen bigint DEFAULT 0 NOT NULL,
    received_gen bigint DEFAULT 0 NOT NULL,
    persisted_gen bigint DEFAULT 0 NOT NULL,
    applied_gen bigint DEFAULT 0 NOT NULL,
    tally bytea,
    removals_confirmed_gen bigint DEFAULT 0 NOT NULL,
    unclaimed_leases integer,
    unknown_told_at timestamp with time zone,
    unknown_more boolean DEFAULT false NOT NULL,
    desired_digest bytea,
    authority_id uuid,
    trust_digest bytea,
    certificate_renewed_at timestamp with time zone,
    transport text,
    unknown_held integer DEFAULT 0 NOT NULL,
    boot_id bytea,
    boot_before bytea,
    clone_signs smallint DEFAULT 0 NOT NULL,
    clone_signs_since timestamp with time zone,
    clone_suspected_at timestamp with time zone,
    shown_authority_id uuid,
    CONSTRAINT agents_desired_digest_is_whole CHECK ((length(desired_digest) = 16)),
    CONSTRAINT agents_hold_some_or_none CHECK ((unknown_held >= 0)),
    CONSTRAINT agents_tally_is_whole CHECK ((length(tally) = 8)),
    CONSTRAINT agents_transport_exists CHECK ((transport = ANY (ARRAY['quic'::text, 'tcp'::text]))),
    CONSTRAINT agents_trust_digest_is_whole CHECK ((length(trust_digest) = 8)),
    CONSTRAINT agents_unclaimed_leases_are_not_negative CHECK ((unclaimed_leases >= 0))
);
ALTER TABLE ONLY public.agents ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.agents FORCE ROW LEVEL SECURITY;

ALTER TABLE public.agents OWNER TO weir_owner;

CREATE TABLE public.allocations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    payment_id uuid,
    credit_id uuid,
    amount numeric(18,4) NOT NULL,
    allocated_at timestamp with time zone NOT NULL,
    refund_id uuid,
    CONSTRAINT allocations_are_positive CHECK (((amount <> (0)::numeric) AND ((amount > (0)::numeric) = (refund_id IS NULL)))),
    CONSTRAINT allocations_have_one_source CHECK (((payment_id IS NULL) <> (credit_id IS NULL))),
    CONSTRAINT allocations_refunded_are_payments CHECK (((refund_id IS NULL) OR (payment_id IS NOT NULL)))
);
ALTER TABLE ONLY public.allocations ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.allocations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.allocations OWNER TO weir_owner;

CREATE TABLE public.applied_objects (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    kind integer NOT NULL,
    object_id uuid NOT NULL,
    revision bigint NOT NULL,
    status text NOT NULL,
    code text DEFAULT ''::text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    rate_down_bps bigint,
    rate_up_bps bigint,
    access text,
    reported_at timestamp with time zone NOT NULL,
    CONSTRAINT applied_objects_access_exists CHECK ((access = ANY (ARRAY['open'::text, 'throttled'::text, 'walled_garden'::text, 'closed'::text]))),
    CONSTRAINT applied_objects_status_exists CHECK ((status = ANY (ARRAY['pending'::text, 'applied'::text, 'failed'::text, 'rejected'::text, 'unsupported'::text, 'removed'::text])))
);
ALTER TABLE ONLY public.applied_objects ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.applied_objects FORCE ROW LEVEL SECURITY;

ALTER TABLE public.applied_objects OWNER TO weir_owner;

CREATE TABLE public.audit_entries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE ONLY public.audit_entries ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.audit_entries FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_entries OWNER TO weir_owner;

CREATE TABLE public.audit_links (
    tenant_id uuid NOT NULL,
    "position" bigint NOT NULL,
    entry_id uuid NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_links_count_from_one CHECK (("position" > 0)),
    CONSTRAINT audit_links_hash_is_whole CHECK ((length(hash) = 32))
);
ALTER TABLE ONLY public.audit_links ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.audit_links FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_links OWNER TO weir_owner;

CREATE TABLE public.bank_entries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    statement_id uuid NOT NULL,
    iban text NOT NULL,
    "position" integer NOT NULL,
    reference text NOT NULL,
    booked_on date NOT NULL,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    payer_name text NOT NULL,
    payer_iban text NOT NULL,
    remittance text NOT NULL,
    CONSTRAINT bank_entries_are_not_zero CHECK ((amount <> (0)::numeric))
);
ALTER TABLE ONLY public.bank_entries ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.bank_entries FORCE ROW LEVEL SECURITY;

ALTER TABLE public.bank_entries OWNER TO weir_owner;

CREATE TABLE public.bank_files (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    content bytea NOT NULL,
    columns jsonb,
    given_by text NOT NULL,
    given_at timestamp with time zone NOT NULL,
    imported_at timestamp with time zone
);
ALTER TABLE ONLY public.bank_files ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.bank_files FORCE ROW LEVEL SECURITY;

ALTER TABLE public.bank_files OWNER TO weir_owner;

CREATE TABLE public.bank_statements (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    file_id uuid NOT NULL,
    iban text NOT NULL,
    reference text NOT NULL,
    currency character(3) NOT NULL,
    from_on date NOT NULL,
    to_on date NOT NULL,
    opening numeric(18,4),
    closing numeric(18,4),
    imported_at timestamp with time zone NOT NULL,
    CONSTRAINT bank_statements_have_both_balances CHECK (((opening IS NULL) = (closing IS NULL)))
);
ALTER TABLE ONLY public.bank_statements ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.bank_statements FORCE ROW LEVEL SECURITY;

ALTER TABLE public.bank_statements OWNER TO weir_owner;

CREATE TABLE public.billed_charges (
    tenant_id uuid NOT NULL,
    charge_id uuid NOT NULL,
    invoice_line_id uuid NOT NULL
);
ALTER TABLE ONLY public.billed_charges ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billed_charges FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billed_charges OWNER TO weir_owner;

CREATE TABLE public.billed_contracts (
    tenant_id uuid NOT NULL,
    contract_id uuid NOT NULL,
    invoice_line_id uuid NOT NULL
);
ALTER TABLE ONLY public.billed_contracts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billed_contracts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billed_contracts OWNER TO weir_owner;

CREATE TABLE public.billed_periods (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    component text NOT NULL,
    period daterange NOT NULL,
    invoice_line_id uuid NOT NULL,
    CONSTRAINT billed_periods_are_not_empty CHECK ((NOT isempty(period))),
    CONSTRAINT billed_periods_component_exists CHECK ((component = ANY (ARRAY['recurring'::text, 'usage'::text])))
);
ALTER TABLE ONLY public.billed_periods ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billed_periods FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billed_periods OWNER TO weir_owner;

CREATE TABLE public.billed_segments (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bytea NOT NULL,
    seq bigint NOT NULL,
    handle integer NOT NULL,
    invoice_line_id uuid NOT NULL
);
ALTER TABLE ONLY public.billed_segments ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billed_segments FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billed_segments OWNER TO weir_owner;

CREATE TABLE public.billed_top_ups (
    tenant_id uuid NOT NULL,
    top_up_id uuid NOT NULL,
    invoice_line_id uuid NOT NULL
);
ALTER TABLE ONLY public.billed_top_ups ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billed_top_ups FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billed_top_ups OWNER TO weir_owner;

CREATE TABLE public.billing_batches (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number integer NOT NULL,
    accounts uuid[] NOT NULL,
    done_at timestamp with time zone,
    CONSTRAINT billing_batches_are_not_empty CHECK ((cardinality(accounts) > 0))
);
ALTER TABLE ONLY public.billing_batches ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billing_batches FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billing_batches OWNER TO weir_owner;

CREATE TABLE public.billing_faults (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    run_id uuid NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.billing_faults ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billing_faults FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billing_faults OWNER TO weir_owner;

CREATE TABLE public.billing_runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    as_of date NOT NULL,
    status text NOT NULL,
    started_by text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    accounts_total integer DEFAULT 0 NOT NULL,
    accounts_done integer DEFAULT 0 NOT NULL,
    error text,
    CONSTRAINT billing_runs_status_exists CHECK ((status = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text])))
);
ALTER TABLE ONLY public.billing_runs ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.billing_runs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.billing_runs OWNER TO weir_owner;

CREATE TABLE public.book_check_results (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    question text NOT NULL,
    looked_at bigint NOT NULL,
    differ bigint NOT NULL,
    CONSTRAINT book_check_results_are_not_negative CHECK (((differ >= 0) AND (looked_at >= 0)))
);
ALTER TABLE ONLY public.book_check_results ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.book_check_results FORCE ROW LEVEL SECURITY;

ALTER TABLE public.book_check_results OWNER TO weir_owner;

CREATE TABLE public.book_checks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    checked_on date NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    checked_by text NOT NULL
);
ALTER TABLE ONLY public.book_checks ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.book_checks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.book_checks OWNER TO weir_owner;

CREATE TABLE public.book_differences (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    question text NOT NULL,
    "position" integer NOT NULL,
    subject text NOT NULL,
    expected text NOT NULL,
    found text NOT NULL
);
ALTER TABLE ONLY public.book_differences ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.book_differences FORCE ROW LEVEL SECURITY;

ALTER TABLE public.book_differences OWNER TO weir_owner;

CREATE TABLE public.cancelled_boosts (
    tenant_id uuid NOT NULL,
    top_up_id uuid NOT NULL,
    cancelled_at timestamp with time zone NOT NULL,
    cancelled_by text NOT NULL
);
ALTER TABLE ONLY public.cancelled_boosts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.cancelled_boosts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.cancelled_boosts OWNER TO weir_owner;

CREATE TABLE public.contracts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    term daterange NOT NULL,
    months integer NOT NULL,
    fee text NOT NULL,
    amount numeric(18,4),
    percent numeric(7,4),
    most numeric(18,4),
    currency character(3) NOT NULL,
    cooling_off_days integer NOT NULL,
    agreed_at timestamp with time zone NOT NULL,
    agreed_by text NOT NULL,
    waived_at timestamp with time zone,
    waived_by text,
    waive_reason text,
    CONSTRAINT contracts_amount_is_positive CHECK ((amount > (0)::numeric)),
    CONSTRAINT contracts_cooling_off_is_in_bounds CHECK (((cooling_off_days >= 0) AND (cooling_off_days <= 366))),
    CONSTRAINT contracts_fee_exists CHECK ((fee = ANY (ARRAY['none'::text, 'fixed'::text, 'declining'::text, 'remaining'::text]))),
    CONSTRAINT contracts_fee_has_its_figure CHECK ((((amount IS NOT NULL) = (fee = ANY (ARRAY['fixed'::text, 'declining'::text]))) AND ((percent IS NOT NULL) = (fee = 'remaining'::text)))),
    CONSTRAINT contracts_months_are_in_bounds CHECK (((months >= 1) AND (months <= 120))),
    CONSTRAINT contracts_most_is_positive CHECK ((most > (0)::numeric)),
    CONSTRAINT contracts_percent_is_in_bounds CHECK (((percent > (0)::numeric) AND (percent <= (100)::numeric))),
    CONSTRAINT contracts_term_is_whole CHECK (((NOT isempty(term)) AND (NOT lower_inf(term)) AND (NOT upper_inf(term)))),
    CONSTRAINT contracts_waived_for_a_reason CHECK ((((waived_at IS NULL) = (waived_by IS NULL)) AND ((waived_at IS NULL) = (waive_reason IS NULL)) AND (btrim(waive_reason) <> ''::text)))
);
ALTER TABLE ONLY public.contracts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.contracts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.contracts OWNER TO weir_owner;

CREATE TABLE public.desired_objects (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    kind integer NOT NULL,
    object_id uuid NOT NULL,
    revision bigint NOT NULL,
    generation bigint NOT NULL,
    body bytea NOT NULL,
    removed boolean DEFAULT false NOT NULL,
    changed_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.desired_objects ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.desired_objects FORCE ROW LEVEL SECURITY;

ALTER TABLE public.desired_objects OWNER TO weir_owner;

CREATE TABLE public.diagnoses (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    router_id uuid NOT NULL,
    agent_id uuid,
    subscription_id uuid,
    tool text NOT NULL,
    target text DEFAULT ''::text NOT NULL,
    server text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    seconds integer NOT NULL,
    packets integer NOT NULL,
    snap_bytes integer DEFAULT 0 NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    sent_at timestamp with time zone,
    waits boolean NOT NULL,
    state text NOT NULL,
    ended_at timestamp with time zone,
    detail text DEFAULT ''::text NOT NULL,
    cut_short boolean DEFAULT false NOT NULL,
    parts integer,
    bytes integer DEFAULT 0 NOT NULL,
    CONSTRAINT diagnoses_end_with_an_outcome CHECK (((state = ANY (ARRAY['asked'::text, 'running'::text])) = (ended_at IS NULL))),
    CONSTRAINT diagnoses_of_packets_have_a_line_and_a_reason CHECK (((tool <> 'capture'::text) OR ((subscription_id IS NOT NULL) AND (reason <> ''::text)))),
    CONSTRAINT diagnoses_state_exists CHECK ((state = ANY (ARRAY['asked'::text, 'running'::text, 'away'::text, 'too_old'::text, 'refused'::text, 'cancelled'::text, 'unknown'::text, 'done'::text]))),
    CONSTRAINT diagnoses_tool_exists CHECK ((tool = ANY (ARRAY['ping'::text, 'traceroute'::text, 'dns'::text, 'shaper'::text, 'log'::text, 'talkers'::text, 'capture'::text])))
);
ALTER TABLE ONLY public.diagnoses ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.diagnoses FORCE ROW LEVEL SECURITY;

ALTER TABLE public.diagnoses OWNER TO weir_owner;

CREATE TABLE public.diagnosis_parts (
    tenant_id uuid NOT NULL,
    diagnosis_id uuid NOT NULL,
    number integer NOT NULL,
    data bytea NOT NULL
);
ALTER TABLE ONLY public.diagnosis_parts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.diagnosis_parts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.diagnosis_parts OWNER TO weir_owner;

CREATE TABLE public.discounts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    name text NOT NULL,
    percent numeric(7,4),
    amount numeric(18,4),
    most numeric(18,4),
    currency character(3) NOT NULL,
    from_on date NOT NULL,
    until_on date,
    granted_at timestamp with time zone NOT NULL,
    granted_by text NOT NULL,
    ended_on date,
    ended_at timestamp with time zone,
    ended_by text,
    CONSTRAINT discounts_amount_is_positive CHECK ((amount > (0)::numeric)),
    CONSTRAINT discounts_are_a_percent_or_an_amount CHECK (((percent IS NULL) <> (amount IS NULL))),
    CONSTRAINT discounts_end_after_they_begin CHECK ((ended_on >= from_on)),
    CONSTRAINT discounts_end_once CHECK ((((ended_on IS NULL) = (ended_at IS NULL)) AND ((ended_on IS NULL) = (ended_by IS NULL)))),
    CONSTRAINT discounts_last_a_day CHECK ((until_on > from_on)),
    CONSTRAINT discounts_most_is_positive CHECK ((most > (0)::numeric)),
    CONSTRAINT discounts_name_is_given CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT discounts_only_percents_have_a_most CHECK (((most IS NULL) OR (percent IS NOT NULL))),
    CONSTRAINT discounts_percent_is_in_bounds CHECK (((percent > (0)::numeric) AND (percent <= (100)::numeric)))
);
ALTER TABLE ONLY public.discounts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.discounts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.discounts OWNER TO weir_owner;

CREATE TABLE public.dunning_cases (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    due_on date NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone
);
ALTER TABLE ONLY public.dunning_cases ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.dunning_cases FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_cases OWNER TO weir_owner;

CREATE TABLE public.dunning_pauses (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    until_on date,
    reason text NOT NULL,
    paused_by text NOT NULL,
    paused_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.dunning_pauses ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.dunning_pauses FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_pauses OWNER TO weir_owner;

CREATE TABLE public.dunning_policies (
    tenant_id uuid NOT NULL,
    version integer NOT NULL,
    policy jsonb NOT NULL,
    restores integer,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT dunning_policies_count_from_one CHECK ((version > 0))
);
ALTER TABLE ONLY public.dunning_policies ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.dunning_policies FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_policies OWNER TO weir_owner;

CREATE TABLE public.dunning_promises (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    promised_on date NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    promised_by text NOT NULL,
    promised_at timestamp with time zone NOT NULL,
    CONSTRAINT dunning_promises_are_positive CHECK ((amount > (0)::numeric))
);
ALTER TABLE ONLY public.dunning_promises ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.dunning_promises FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_promises OWNER TO weir_owner;

CREATE TABLE public.dunning_steps (
    tenant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    step integer NOT NULL,
    kind text NOT NULL,
    overtaken boolean NOT NULL,
    policy_version integer NOT NULL,
    currency character(3) NOT NULL,
    balance numeric(18,4) NOT NULL,
    done_at timestamp with time zone NOT NULL,
    CONSTRAINT dunning_steps_kind_exists CHECK ((kind = ANY (ARRAY['remind'::text, 'throttle'::text, 'walled_garden'::text, 'final_notice'::text])))
);
ALTER TABLE ONLY public.dunning_steps ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.dunning_steps FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_steps OWNER TO weir_owner;

CREATE TABLE public.plugin_settings (
    tenant_id uuid NOT NULL,
    plugin_id uuid NOT NULL,
    revision integer NOT NULL,
    entries jsonb NOT NULL,
    limit_percent integer NOT NULL,
    effects text[] NOT NULL,
    events text[] NOT NULL,
    set_by text NOT NULL,
    set_at timestamp with time zone NOT NULL,
    CONSTRAINT plugin_settings_limit_is_sane CHECK (((limit_percent >= 0) AND (limit_percent <= 1000)))
);
ALTER TABLE ONLY public.plugin_settings ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.plugin_settings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.plugin_settings OWNER TO weir_owner;

CREATE TABLE public.plugins (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    hook text NOT NULL,
    active_version_id uuid,
    previous_version_id uuid,
    settings_revision integer NOT NULL,
    faults_in_a_row integer DEFAULT 0 NOT NULL,
    paused_at timestamp with time zone,
    paused_because text,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT plugins_are_named_plainly CHECK ((name ~ '^[a-z][a-z0-9-]{0,47}$'::text)),
    CONSTRAINT plugins_hook_exists CHECK ((hook = ANY (ARRAY['rate-usage'::text, 'handle-event'::text]))),
    CONSTRAINT plugins_say_why_they_pause CHECK (((paused_at IS NULL) = (paused_because IS NULL)))
);
ALTER TABLE ONLY public.plugins ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.plugins FORCE ROW LEVEL SECURITY;

ALTER TABLE public.plugins OWNER TO weir_owner;

CREATE TABLE public.webhooks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    kinds text[] NOT NULL,
    sealed_secret bytea NOT NULL,
    sealed_old bytea,
    old_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    paused_at timestamp with time zone,
    paused_because text,
    CONSTRAINT webhooks_old_secret_ends CHECK (((sealed_old IS NULL) = (old_until IS NULL))),
    CONSTRAINT webhooks_pause_has_a_reason CHECK ((paused_because = ANY (ARRAY['by_hand'::text, 'failing'::text, 'gone'::text]))),
    CONSTRAINT webhooks_paused_for_a_reason CHECK (((paused_at IS NULL) = (paused_because IS NULL)))
);
ALTER TABLE ONLY public.webhooks ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.webhooks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.webhooks OWNER TO weir_owner;

CREATE VIEW public.event_listeners WITH (security_invoker='true') AS
 SELECT webhooks.tenant_id,
    'webhooks'::text AS listener,
    webhooks.kinds
   FROM public.webhooks
UNION ALL
 SELECT p.tenant_id,
    'plugins'::text AS listener,
    s.events AS kinds
   FROM (public.plugins p
     JOIN public.plugin_settings s ON (((s.tenant_id = p.tenant_id) AND (s.plugin_id = p.id) AND (s.revision = p.settings_revision))))
  WHERE ((p.hook = 'handle-event'::text) AND (p.active_version_id IS NOT NULL));

ALTER TABLE public.event_listeners OWNER TO weir_super;

CREATE TABLE public.events (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    account_id uuid,
    data jsonb NOT NULL
);
ALTER TABLE ONLY public.events ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.events OWNER TO weir_owner;

CREATE TABLE public.fair_use_standings (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    period tstzrange,
    used_bytes bigint NOT NULL,
    limit_bytes bigint NOT NULL,
    rule text NOT NULL,
    since_at timestamp with time zone,
    next_at timestamp with time zone,
    reported_at timestamp with time zone NOT NULL,
    step integer DEFAULT 0 NOT NULL,
    carried_bytes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT fair_use_standings_rule_exists CHECK ((rule = ANY (ARRAY['sold'::text, 'window'::text, 'exhausted'::text, 'boost'::text, 'capped'::text]))),
    CONSTRAINT fair_use_standings_step_is_not_negative CHECK ((step >= 0))
);
ALTER TABLE ONLY public.fair_use_standings ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.fair_use_standings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.fair_use_standings OWNER TO weir_owner;

CREATE TABLE public.fair_use_thresholds (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    period_start_at timestamp with time zone NOT NULL,
    percent integer NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT fair_use_thresholds_percent_exists CHECK ((percent = ANY (ARRAY[80, 100])))
);
ALTER TABLE ONLY public.fair_use_thresholds ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.fair_use_thresholds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.fair_use_thresholds OWNER TO weir_owner;

CREATE TABLE public.fair_use_turns (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    rule text NOT NULL,
    used_bytes bigint NOT NULL,
    reported_at timestamp with time zone NOT NULL,
    step integer DEFAULT 0 NOT NULL,
    CONSTRAINT fair_use_turns_rule_exists CHECK ((rule = ANY (ARRAY['sold'::text, 'window'::text, 'exhausted'::text, 'boost'::text, 'capped'::text]))),
    CONSTRAINT fair_use_turns_step_is_not_negative CHECK ((step >= 0))
);
ALTER TABLE ONLY public.fair_use_turns ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.fair_use_turns FORCE ROW LEVEL SECURITY;

ALTER TABLE public.fair_use_turns OWNER TO weir_owner;

CREATE TABLE public.holds (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    kind text NOT NULL,
    effect text NOT NULL,
    reason text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    until timestamp with time zone,
    released_by text,
    released_at timestamp with time zone,
    pause_id uuid,
    debtor_id uuid,
    CONSTRAINT holds_effect_exists CHECK ((effect = ANY (ARRAY['throttled'::text, 'walled_garden'::text, 'closed'::text]))),
    CONSTRAINT holds_for_a_debt_are_unpaid CHECK (((debtor_id IS NULL) OR (kind = 'unpaid'::text))),
    CONSTRAINT holds_kind_exists CHECK ((kind = ANY (ARRAY['unpaid'::text, 'quota'::text, 'fraud'::text, 'abuse'::text, 'seasonal'::text, 'manual'::text]))),
    CONSTRAINT holds_of_pauses_close CHECK (((pause_id IS NULL) OR ((kind = 'seasonal'::text) AND (effect = 'closed'::text) AND (until IS NULL)))),
    CONSTRAINT holds_release_is_signed CHECK (((released_at IS NULL) = (released_by IS NULL)))
);
ALTER TABLE ONLY public.holds ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.holds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.holds OWNER TO weir_owner;

CREATE TABLE public.idempotency_keys (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    operation text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_are_short CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);
ALTER TABLE ONLY public.idempotency_keys ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.idempotency_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys OWNER TO weir_owner;

CREATE TABLE public.import_rows (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    line integer NOT NULL,
    name text NOT NULL,
    errors jsonb NOT NULL,
    subscriber_id uuid
);
ALTER TABLE ONLY public.import_rows ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.import_rows FORCE ROW LEVEL SECURITY;

ALTER TABLE public.import_rows OWNER TO weir_owner;

CREATE TABLE public.imports (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    csv text NOT NULL,
    columns jsonb NOT NULL,
    status text NOT NULL,
    row_count integer NOT NULL,
    seen integer DEFAULT 0 NOT NULL,
    wrong integer DEFAULT 0 NOT NULL,
    made_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    welcome boolean NOT NULL,
    CONSTRAINT imports_status_exists CHECK ((status = ANY (ARRAY['checking'::text, 'checked'::text, 'importing'::text, 'done'::text])))
);
ALTER TABLE ONLY public.imports ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.imports FORCE ROW LEVEL SECURITY;

ALTER TABLE public.imports OWNER TO weir_owner;

CREATE TABLE public.invoice_lines (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    subscription_id uuid,
    plan_version_id uuid,
    description text NOT NULL,
    period daterange NOT NULL,
    full_period daterange NOT NULL,
    quantity numeric(18,6) NOT NULL,
    unit_price numeric(18,6) NOT NULL,
    net numeric(18,4) NOT NULL,
    tax_category text NOT NULL,
    tax_rate numeric(9,6) NOT NULL,
    down_bytes bigint,
    up_bytes bigint,
    included_bytes bigint,
    late boolean DEFAULT false NOT NULL,
    credits_line_id uuid,
    priced_by jsonb,
    free_bytes bigint,
    discount numeric(18,4) DEFAULT 0 NOT NULL,
    discounts jsonb DEFAULT '[]'::jsonb NOT NULL,
    taxed_by jsonb,
    tiers jsonb,
    gross numeric(18,4),
    account_id uuid,
    CONSTRAINT invoice_lines_credits_name_their_charge CHECK (
CASE
    WHEN (kind = ANY (ARRAY['credit'::text, 'correction'::text])) THEN (credits_line_id IS NOT NULL)
    WHEN (kind = 'late_fee'::text) THEN true
    ELSE (credits_line_id IS NULL)
END),
    CONSTRAINT invoice_lines_kind_exists CHECK ((kind = ANY (ARRAY['recurring'::text, 'credit'::text, 'usage'::text, 'late_fee'::text, 'top_up'::text, 'boost'::text, 'correction'::text, 'one_time'::text, 'early_termination'::text]))),
    CONSTRAINT invoice_lines_late_fees_include_no_tax CHECK (((gross IS NULL) OR (kind <> 'late_fee'::text))),
    CONSTRAINT invoice_lines_only_prices_are_reduced CHECK (((discount = (0)::numeric) OR (kind = ANY (ARRAY['recurring'::text, 'credit'::text])))),
    CONSTRAINT invoice_lines_tax_is_inside_the_gross CHECK ((abs(net) <= abs(gross)))
);
ALTER TABLE ONLY public.invoice_lines ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.invoice_lines FORCE ROW LEVEL SECURITY;

ALTER TABLE public.invoice_lines OWNER TO weir_owner;

CREATE TABLE public.invoice_taxes (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    category text NOT NULL,
    name text NOT NULL,
    rate numeric(9,6) NOT NULL,
    base numeric(18,4) NOT NULL,
    tax numeric(18,4) NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    parts jsonb DEFAULT '[]'::jsonb NOT NULL
);
ALTER TABLE ONLY public.invoice_taxes ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.invoice_taxes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.invoice_taxes OWNER TO weir_owner;

CREATE TABLE public.invoices (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    run_id uuid,
    status text NOT NULL,
    number text,
    issued_on date,
    issued_at timestamp with time zone,
    due_on date,
    currency character(3) NOT NULL,
    net numeric(18,4) NOT NULL,
    tax numeric(18,4) NOT NULL,
    gross numeric(18,4) NOT NULL,
    parties jsonb NOT NULL,
    corrects_id uuid,
    reason text,
    CONSTRAINT invoices_credit_notes_give_back CHECK (((corrects_id IS NULL) OR ((status = 'issued'::text) AND (gross < (0)::numeric) AND (run_id IS NULL) AND (btrim(reason) <> ''::text)))),
    CONSTRAINT invoices_gross_is_net_and_tax CHECK ((gross = (net + tax))),
    CONSTRAINT invoices_issued_is_numbered CHECK (((status = 'draft'::text) OR ((number IS NOT NULL) AND (issued_on IS NOT NULL) AND (issued_at IS NOT NULL) AND (due_on IS NOT NULL)))),
    CONSTRAINT invoices_only_credit_notes_have_a_reason CHECK (((corrects_id IS NULL) = (reason IS NULL))),
    CONSTRAINT invoices_status_exists CHECK ((status = ANY (ARRAY['draft'::text, 'issued'::text])))
);
ALTER TABLE ONLY public.invoices ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.invoices FORCE ROW LEVEL SECURITY;

ALTER TABLE public.invoices OWNER TO weir_owner;

CREATE TABLE public.late_fee_waivers (
    tenant_id uuid NOT NULL,
    late_fee_id uuid NOT NULL,
    credit_invoice_id uuid NOT NULL,
    reason text NOT NULL,
    waived_by text NOT NULL,
    waived_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.late_fee_waivers ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.late_fee_waivers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.late_fee_waivers OWNER TO weir_owner;

CREATE TABLE public.late_fees (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    case_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    step integer NOT NULL,
    policy_version integer NOT NULL,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    fee_invoice_id uuid,
    charged_on date NOT NULL,
    charged_at timestamp with time zone NOT NULL,
    CONSTRAINT late_fees_are_invoiced CHECK (((amount > (0)::numeric) = (fee_invoice_id IS NOT NULL))),
    CONSTRAINT late_fees_are_not_negative CHECK ((amount >= (0)::numeric))
);
ALTER TABLE ONLY public.late_fees ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.late_fees FORCE ROW LEVEL SECURITY;

ALTER TABLE public.late_fees OWNER TO weir_owner;

CREATE TABLE public.learned_prefixes (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    prefix cidr NOT NULL,
    source text NOT NULL,
    since_at timestamp with time zone,
    until_at timestamp with time zone,
    reported_at timestamp with time zone NOT NULL,
    CONSTRAINT learned_prefixes_source_exists CHECK ((source = ANY (ARRAY['dnsmasq'::text, 'kea'::text, 'pppoe'::text, 'other'::text])))
);
ALTER TABLE ONLY public.learned_prefixes ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.learned_prefixes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.learned_prefixes OWNER TO weir_owner;

CREATE TABLE public.ledger_closings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    through date,
    reason text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    turn bigint NOT NULL,
    CONSTRAINT ledger_closings_have_a_reason CHECK ((btrim(reason) <> ''::text))
);
ALTER TABLE ONLY public.ledger_closings ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.ledger_closings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_closings OWNER TO weir_owner;

ALTER TABLE public.ledger_closings ALTER COLUMN turn ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_closings_turn_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ledger_entries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    posted_on date NOT NULL,
    posted_at timestamp with time zone NOT NULL,
    source_kind text NOT NULL,
    source_id uuid NOT NULL,
    posting_kind text NOT NULL,
    description text NOT NULL
);
ALTER TABLE ONLY public.ledger_entries ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.ledger_entries FORCE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_entries OWNER TO weir_owner;

CREATE TABLE public.ledger_postings (
    tenant_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    "position" smallint NOT NULL,
    ledger_account text NOT NULL,
    account_id uuid,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    CONSTRAINT ledger_postings_are_not_zero CHECK ((amount <> (0)::numeric))
);
ALTER TABLE ONLY public.ledger_postings ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.ledger_postings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_postings OWNER TO weir_owner;

CREATE TABLE public.line_probes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    router_id uuid NOT NULL,
    agent_id uuid,
    asked_at timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    sent_at timestamp with time zone,
    state text NOT NULL,
    ended_at timestamp with time zone,
    detail text DEFAULT ''::text NOT NULL,
    verdict text,
    measured jsonb,
    CONSTRAINT line_probes_end_with_an_outcome CHECK (((state = 'asked'::text) = (ended_at IS NULL))),
    CONSTRAINT line_probes_measure_what_they_answer CHECK (((state = 'answered'::text) = (measured IS NOT NULL))),
    CONSTRAINT line_probes_state_exists CHECK ((state = ANY (ARRAY['asked'::text, 'away'::text, 'too_old'::text, 'refused'::text, 'answered'::text]))),
    CONSTRAINT line_probes_verdict_exists CHECK ((verdict = ANY (ARRAY['router_away'::text, 'held'::text, 'network'::text, 'slowed'::text, 'line_full'::text, 'shared'::text, 'subscriber'::text, 'silent'::text, 'unasked'::text, 'unmeasured'::text, 'well'::text])))
);
ALTER TABLE ONLY public.line_probes ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.line_probes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.line_probes OWNER TO weir_owner;

CREATE TABLE public.line_quality (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    hour_at timestamp with time zone NOT NULL,
    router_id uuid NOT NULL,
    told_ms bigint NOT NULL,
    down_delay_sum bigint NOT NULL,
    up_delay_sum bigint NOT NULL,
    down_delay_max_us bigint NOT NULL,
    up_delay_max_us bigint NOT NULL,
    down_full_ms bigint NOT NULL,
    up_full_ms bigint NOT NULL,
    down_used_ms bigint NOT NULL,
    up_used_ms bigint NOT NULL,
    down_dropped_packets bigint NOT NULL,
    up_dropped_packets bigint NOT NULL,
    asked bigint NOT NULL,
    answered bigint NOT NULL,
    rtt_p50_sum bigint NOT NULL,
    rtt_p95_us bigint NOT NULL,
    down_marked_packets bigint DEFAULT 0 NOT NULL,
    up_marked_packets bigint DEFAULT 0 NOT NULL,
    CONSTRAINT line_quality_answers_were_asked_for CHECK (((answered >= 0) AND (answered <= asked)))
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.line_quality ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.line_quality FORCE ROW LEVEL SECURITY;

ALTER TABLE public.line_quality OWNER TO weir_owner;

CREATE TABLE public.subscriptions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    service_location_id uuid NOT NULL,
    router_id uuid NOT NULL,
    handle integer NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    created_at timestamp with time zone NOT NULL,
    access_point_id uuid,
    CONSTRAINT subscriptions_end_after_start CHECK ((ends_on >= starts_on)),
    CONSTRAINT subscriptions_handle_is_positive CHECK ((handle > 0))
);
ALTER TABLE ONLY public.subscriptions ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.subscriptions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.subscriptions OWNER TO weir_owner;

CREATE TABLE public.unmerged_usage (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bytea NOT NULL,
    seq bigint NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    handles integer[] NOT NULL,
    down_bytes bigint[] NOT NULL,
    up_bytes bigint[] NOT NULL,
    down_packets bigint[] NOT NULL,
    up_packets bigint[] NOT NULL,
    down_v6_bytes bigint[],
    up_v6_bytes bigint[],
    down_dropped_packets bigint[],
    up_dropped_packets bigint[]
);
ALTER TABLE ONLY public.unmerged_usage ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.unmerged_usage FORCE ROW LEVEL SECURITY;

ALTER TABLE public.unmerged_usage OWNER TO weir_owner;

CREATE TABLE public.usage_segments (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bytea NOT NULL,
    seq bigint NOT NULL,
    handle integer NOT NULL,
    subscription_id uuid,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    down_bytes bigint NOT NULL,
    up_bytes bigint NOT NULL,
    down_packets bigint NOT NULL,
    up_packets bigint NOT NULL,
    down_v6_bytes bigint,
    up_v6_bytes bigint,
    down_dropped_packets bigint,
    up_dropped_packets bigint,
    first_seq bigint,
    CONSTRAINT usage_segments_down_is_not_negative CHECK ((down_bytes >= 0)),
    CONSTRAINT usage_segments_drops_are_not_negative CHECK (((down_dropped_packets >= 0) AND (up_dropped_packets >= 0))),
    CONSTRAINT usage_segments_up_is_not_negative CHECK ((up_bytes >= 0)),
    CONSTRAINT usage_segments_v6_is_part_of_what_moved CHECK ((((down_v6_bytes >= 0) AND (down_v6_bytes <= down_bytes)) AND ((up_v6_bytes >= 0) AND (up_v6_bytes <= up_bytes))))
);
ALTER TABLE ONLY public.usage_segments ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.usage_segments FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_segments OWNER TO weir_owner;

COMMENT ON COLUMN public.usage_segments.first_seq IS 'The first record it is a share of; NULL: the one it is named after.';

CREATE VIEW public.line_usage WITH (security_invoker='true') AS
 SELECT usage_segments.tenant_id,
    usage_segments.agent_id,
    usage_segments.epoch,
    usage_segments.seq,
    usage_segments.handle,
    usage_segments.subscription_id,
    usage_segments.start_at,
    usage_segments.end_at,
    usage_segments.down_bytes,
    usage_segments.up_bytes,
    usage_segments.down_packets,
    usage_segments.up_packets,
    usage_segments.down_v6_bytes,
    usage_segments.up_v6_bytes,
    usage_segments.down_dropped_packets,
    usage_segments.up_dropped_packets
   FROM public.usage_segments
UNION ALL
 SELECT u.tenant_id,
    u.agent_id,
    u.epoch,
    u.seq,
    l.handle,
    s.id AS subscription_id,
    u.start_at,
    u.end_at,
    l.down_bytes,
    l.up_bytes,
    l.down_packets,
    l.up_packets,
    l.down_v6_bytes,
    l.up_v6_bytes,
    l.down_dropped_packets,
    l.up_dropped_packets
   FROM (((public.unmerged_usage u
     JOIN public.agents a ON (((a.tenant_id = u.tenant_id) AND (a.id = u.agent_id))))
     CROSS JOIN LATERAL UNNEST(u.handles, u.down_bytes, u.up_bytes, u.down_packets, u.up_packets, u.down_v6_bytes, u.up_v6_bytes, u.down_dropped_packets, u.up_dropped_packets) l(handle, down_bytes, up_bytes, down_packets, up_packets, down_v6_bytes, up_v6_bytes, down_dropped_packets, up_dropped_packets))
     LEFT JOIN public.subscriptions s ON (((s.tenant_id = u.tenant_id) AND (s.router_id = a.router_id) AND (s.handle = l.handle))));

ALTER TABLE public.line_usage OWNER TO weir_super;

CREATE TABLE public.message_attempts (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    answer text NOT NULL,
    CONSTRAINT message_attempts_count_from_one CHECK ((number > 0)),
    CONSTRAINT message_attempts_outcome_exists CHECK ((outcome = ANY (ARRAY['sent'::text, 'refused'::text, 'deferred'::text, 'failed'::text])))
);
ALTER TABLE ONLY public.message_attempts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.message_attempts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.message_attempts OWNER TO weir_owner;

CREATE TABLE public.message_settings (
    tenant_id uuid NOT NULL,
    smtp_host text DEFAULT ''::text NOT NULL,
    smtp_port integer DEFAULT 587 NOT NULL,
    smtp_security text DEFAULT 'starttls'::text NOT NULL,
    smtp_authority text DEFAULT ''::text NOT NULL,
    smtp_user text DEFAULT ''::text NOT NULL,
    smtp_password bytea,
    from_name text DEFAULT ''::text NOT NULL,
    from_address text DEFAULT ''::text NOT NULL,
    reply_to text DEFAULT ''::text NOT NULL,
    sms_url text DEFAULT ''::text NOT NULL,
    sms_method text DEFAULT 'POST'::text NOT NULL,
    sms_type text DEFAULT 'json'::text NOT NULL,
    sms_body text DEFAULT ''::text NOT NULL,
    sms_header text DEFAULT ''::text NOT NULL,
    sms_credential bytea,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT message_settings_method_exists CHECK ((sms_method = ANY (ARRAY['GET'::text, 'POST'::text, 'PUT'::text]))),
    CONSTRAINT message_settings_port_is_one CHECK (((smtp_port >= 1) AND (smtp_port <= 65535))),
    CONSTRAINT message_settings_security_exists CHECK ((smtp_security = ANY (ARRAY['none'::text, 'starttls'::text, 'tls'::text]))),
    CONSTRAINT message_settings_type_exists CHECK ((sms_type = ANY (ARRAY['json'::text, 'form'::text, 'plain'::text])))
);
ALTER TABLE ONLY public.message_settings ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.message_settings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.message_settings OWNER TO weir_owner;

CREATE TABLE public.message_switches (
    tenant_id uuid NOT NULL,
    template text NOT NULL,
    email boolean NOT NULL,
    sms boolean NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.message_switches ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.message_switches FORCE ROW LEVEL SECURITY;

ALTER TABLE public.message_switches OWNER TO weir_owner;

CREATE TABLE public.message_wordings (
    tenant_id uuid NOT NULL,
    template text NOT NULL,
    language text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    intro text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT message_wordings_subject_is_one_line CHECK ((subject !~ '[\r\n]'::text))
);
ALTER TABLE ONLY public.message_wordings ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.message_wordings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.message_wordings OWNER TO weir_owner;

CREATE TABLE public.messages (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscriber_id uuid,
    account_id uuid,
    cause uuid NOT NULL,
    template text NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    language text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    reply_to text DEFAULT ''::text NOT NULL,
    invoice_id uuid,
    link bytea,
    again_of uuid,
    status text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    next_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT messages_channel_exists CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
    CONSTRAINT messages_have_a_recipient CHECK ((recipient <> ''::text)),
    CONSTRAINT messages_reply_to_is_one_line CHECK ((reply_to !~ '[\r\n]'::text)),
    CONSTRAINT messages_status_exists CHECK ((status = ANY (ARRAY['queued'::text, 'sent'::text, 'refused'::text, 'failed'::text]))),
    CONSTRAINT messages_subject_is_one_line CHECK ((subject !~ '[\r\n]'::text)),
    CONSTRAINT messages_wait_or_are_settled CHECK ((((status = 'queued'::text) = (settled_at IS NULL)) AND ((status = 'queued'::text) = (next_at IS NOT NULL))))
);
ALTER TABLE ONLY public.messages ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;

ALTER TABLE public.messages OWNER TO weir_owner;

CREATE TABLE public.number_series (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    year smallint NOT NULL,
    next bigint DEFAULT 1 NOT NULL
);
ALTER TABLE ONLY public.number_series ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.number_series FORCE ROW LEVEL SECURITY;

ALTER TABLE public.number_series OWNER TO weir_owner;

CREATE TABLE public.one_time_charges (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    subscription_id uuid,
    description text NOT NULL,
    quantity numeric(18,6) NOT NULL,
    unit_price numeric(18,4) NOT NULL,
    currency character(3) NOT NULL,
    charged_on date NOT NULL,
    reference text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    added_by text NOT NULL,
    removed_at timestamp with time zone,
    removed_by text,
    CONSTRAINT one_time_charges_description_is_given CHECK ((btrim(description) <> ''::text)),
    CONSTRAINT one_time_charges_quantity_is_positive CHECK ((quantity > (0)::numeric)),
    CONSTRAINT one_time_charges_removed_by_somebody CHECK (((removed_at IS NULL) = (removed_by IS NULL))),
    CONSTRAINT one_time_charges_unit_price_is_positive CHECK ((unit_price > (0)::numeric))
);
ALTER TABLE ONLY public.one_time_charges ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.one_time_charges FORCE ROW LEVEL SECURITY;

ALTER TABLE public.one_time_charges OWNER TO weir_owner;

CREATE TABLE public.orders (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    line1 text NOT NULL,
    line2 text DEFAULT ''::text NOT NULL,
    city text NOT NULL,
    postcode text DEFAULT ''::text NOT NULL,
    country character(2) NOT NULL,
    language text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    plan_version_id uuid NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    origin bytea,
    decided_at timestamp with time zone,
    decided_by text,
    reason text,
    subscriber_id uuid,
    CONSTRAINT orders_approved_have_a_subscriber CHECK (((status = 'approved'::text) = (subscriber_id IS NOT NULL))),
    CONSTRAINT orders_are_decided_whole CHECK ((((status = 'placed'::text) = (decided_at IS NULL)) AND ((decided_at IS NULL) = (decided_by IS NULL)))),
    CONSTRAINT orders_declined_have_a_reason CHECK (((status = 'declined'::text) = (reason IS NOT NULL))),
    CONSTRAINT orders_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT orders_have_a_street CHECK ((btrim(line1) <> ''::text)),
    CONSTRAINT orders_status_exists CHECK ((status = ANY (ARRAY['placed'::text, 'approved'::text, 'declined'::text])))
);
ALTER TABLE ONLY public.orders ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.orders FORCE ROW LEVEL SECURITY;

ALTER TABLE public.orders OWNER TO weir_owner;

CREATE TABLE public.pauses (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    days daterange NOT NULL,
    price numeric(18,4),
    currency character(3) NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    planned_by text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    cancelled_at timestamp with time zone,
    CONSTRAINT pauses_change_after_they_are_planned CHECK ((changed_at >= planned_at)),
    CONSTRAINT pauses_last_a_day CHECK (((NOT isempty(days)) AND (NOT lower_inf(days)))),
    CONSTRAINT pauses_price_is_positive CHECK ((price > (0)::numeric))
);
ALTER TABLE ONLY public.pauses ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.pauses FORCE ROW LEVEL SECURITY;

ALTER TABLE public.pauses OWNER TO weir_owner;

CREATE TABLE public.payers (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider text NOT NULL,
    reference text NOT NULL
);
ALTER TABLE ONLY public.payers ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.payers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.payers OWNER TO weir_owner;

CREATE TABLE public.payment_attempt_steps (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    status text NOT NULL,
    why text NOT NULL,
    detail text DEFAULT ''::text NOT NULL
);
ALTER TABLE ONLY public.payment_attempt_steps ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.payment_attempt_steps FORCE ROW LEVEL SECURITY;

ALTER TABLE public.payment_attempt_steps OWNER TO weir_owner;

CREATE TABLE public.payment_attempts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider text NOT NULL,
    kind text NOT NULL,
    method_id uuid,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    keeps_method boolean NOT NULL,
    status text NOT NULL,
    waits_for text,
    reference text,
    intent text,
    page_url text,
    decline text,
    code text,
    retries smallint DEFAULT 0 NOT NULL,
    retry_on date,
    requested_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    CONSTRAINT payment_attempts_are_positive CHECK ((amount > (0)::numeric)),
    CONSTRAINT payment_attempts_charge_a_method CHECK (((kind = 'charge'::text) = (method_id IS NOT NULL))),
    CONSTRAINT payment_attempts_decline_exists CHECK ((decline = ANY (ARRAY['soft'::text, 'hard'::text, 'needs_customer'::text]))),
    CONSTRAINT payment_attempts_fail_for_a_reason CHECK (((status <> 'failed'::text) OR (decline IS NOT NULL))),
    CONSTRAINT payment_attempts_kind_exists CHECK ((kind = ANY (ARRAY['page'::text, 'charge'::text]))),
    CONSTRAINT payment_attempts_status_exists CHECK ((status = ANY (ARRAY['created'::text, 'pending'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text, 'cancelled'::text]))),
    CONSTRAINT payment_attempts_wait_for_somebody CHECK ((waits_for = ANY (ARRAY['customer'::text, 'provider'::text]))),
    CONSTRAINT payment_attempts_wait_while_pending CHECK (((status = 'pending'::text) = (waits_for IS NOT NULL)))
);
ALTER TABLE ONLY public.payment_attempts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.payment_attempts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.payment_attempts OWNER TO weir_owner;

CREATE TABLE public.payment_methods (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider text NOT NULL,
    reference text NOT NULL,
    brand text NOT NULL,
    last4 text NOT NULL,
    exp_month smallint,
    exp_year smallint,
    autopay boolean NOT NULL,
    saved_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT payment_methods_keep_four_digits CHECK ((length(last4) <= 4)),
    CONSTRAINT payment_methods_removed_do_not_pay CHECK (((removed_at IS NULL) OR (NOT autopay)))
);
ALTER TABLE ONLY public.payment_methods ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.payment_methods FORCE ROW LEVEL SECURITY;

ALTER TABLE public.payment_methods OWNER TO weir_owner;

CREATE TABLE public.payment_providers (
    tenant_id uuid NOT NULL,
    provider text NOT NULL,
    publishable_key text NOT NULL,
    secret_key bytea NOT NULL,
    secret_hint text NOT NULL,
    webhook_secret bytea,
    enabled boolean NOT NULL,
    listed_until timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT payment_providers_exist CHECK ((provider = 'stripe'::text))
);
ALTER TABLE ONLY public.payment_providers ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.payment_providers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.payment_providers OWNER TO weir_owner;

CREATE TABLE public.payments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    number text NOT NULL,
    method text NOT NULL,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    received_on date NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    attempt_id uuid,
    bank_entry_id uuid,
    suspense_id uuid,
    CONSTRAINT payments_are_positive CHECK ((amount > (0)::numeric)),
    CONSTRAINT payments_method_exists CHECK ((method = ANY (ARRAY['cash'::text, 'card'::text, 'bank_transfer'::text])))
);
ALTER TABLE ONLY public.payments ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.payments FORCE ROW LEVEL SECURITY;

ALTER TABLE public.payments OWNER TO weir_owner;

CREATE TABLE public.plan_versions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    rate_down_bps bigint NOT NULL,
    rate_up_bps bigint NOT NULL,
    price numeric(18,4) NOT NULL,
    currency character(3) NOT NULL,
    allowance_bytes bigint,
    overage_block_bytes bigint,
    overage_block_price numeric(18,4),
    created_at timestamp with time zone NOT NULL,
    throttle_down_bps bigint,
    throttle_up_bps bigint,
    windows jsonb DEFAULT '[]'::jsonb NOT NULL,
    burst_down_bytes bigint DEFAULT 0 NOT NULL,
    burst_up_bytes bigint DEFAULT 0 NOT NULL,
    steps jsonb DEFAULT '[]'::jsonb NOT NULL,
    carry_over_bytes bigint,
    allowance_shared boolean DEFAULT false NOT NULL,
    period_months smallint DEFAULT 1,
    period_days smallint,
    in_arrears boolean DEFAULT false NOT NULL,
    phases jsonb DEFAULT '[]'::jsonb NOT NULL,
    traffic_price jsonb,
    tax_included boolean DEFAULT false NOT NULL,
    CONSTRAINT plan_versions_allowance_by_month CHECK (((allowance_bytes IS NULL) OR (period_months IS NOT NULL))),
    CONSTRAINT plan_versions_allowance_is_positive CHECK ((allowance_bytes > 0)),
    CONSTRAINT plan_versions_block_is_positive CHECK ((overage_block_bytes > 0)),
    CONSTRAINT plan_versions_block_price_is_not_negative CHECK ((overage_block_price >= (0)::numeric)),
    CONSTRAINT plan_versions_burst_down_is_not_negative CHECK ((burst_down_bytes >= 0)),
    CONSTRAINT plan_versions_burst_up_is_not_negative CHECK ((burst_up_bytes >= 0)),
    CONSTRAINT plan_versions_carry_over_is_positive CHECK ((carry_over_bytes > 0)),
    CONSTRAINT plan_versions_carry_over_needs_allowance CHECK (((carry_over_bytes IS NULL) OR (allowance_bytes IS NOT NULL))),
    CONSTRAINT plan_versions_charge_or_carry_over CHECK (((carry_over_bytes IS NULL) OR (overage_block_bytes IS NULL))),
    CONSTRAINT plan_versions_charge_or_shared CHECK (((NOT allowance_shared) OR (overage_block_bytes IS NULL))),
    CONSTRAINT plan_versions_charge_or_steps CHECK (((steps = '[]'::jsonb) OR (overage_block_bytes IS NULL))),
    CONSTRAINT plan_versions_charge_or_throttle CHECK (((throttle_down_bps IS NULL) OR (overage_block_bytes IS NULL))),
    CONSTRAINT plan_versions_in_arrears_by_month CHECK (((NOT in_arrears) OR (period_months = 1))),
    CONSTRAINT plan_versions_overage_is_whole CHECK (((overage_block_bytes IS NULL) = (overage_block_price IS NULL))),
    CONSTRAINT plan_versions_overage_needs_allowance CHECK (((overage_block_bytes IS NULL) OR (allowance_bytes IS NOT NULL))),
    CONSTRAINT plan_versions_period_days_are_a_year CHECK (((period_days >= 1) AND (period_days <= 365))),
    CONSTRAINT plan_versions_period_is_months_or_days CHECK ((num_nonnulls(period_months, period_days) = 1)),
    CONSTRAINT plan_versions_period_months_are_known CHECK ((period_months = ANY (ARRAY[1, 3, 6, 12]))),
    CONSTRAINT plan_versions_phases_are_a_list CHECK ((jsonb_typeof(phases) = 'array'::text)),
    CONSTRAINT plan_versions_price_is_not_negative CHECK ((price >= (0)::numeric)),
    CONSTRAINT plan_versions_rate_down_is_positive CHECK ((rate_down_bps > 0)),
    CONSTRAINT plan_versions_rate_up_is_positive CHECK ((rate_up_bps > 0)),
    CONSTRAINT plan_versions_shared_needs_allowance CHECK (((NOT allowance_shared) OR (allowance_bytes IS NOT NULL))),
    CONSTRAINT plan_versions_steps_are_a_list CHECK ((jsonb_typeof(steps) = 'array'::text)),
    CONSTRAINT plan_versions_steps_need_allowance CHECK (((steps = '[]'::jsonb) OR (allowance_bytes IS NOT NULL))),
    CONSTRAINT plan_versions_throttle_down_is_positive CHECK ((throttle_down_bps > 0)),
    CONSTRAINT plan_versions_throttle_is_whole CHECK (((throttle_down_bps IS NULL) = (throttle_up_bps IS NULL))),
    CONSTRAINT plan_versions_throttle_needs_allowance CHECK (((throttle_down_bps IS NULL) OR (allowance_bytes IS NOT NULL))),
    CONSTRAINT plan_versions_throttle_up_is_positive CHECK ((throttle_up_bps > 0)),
    CONSTRAINT plan_versions_traffic_is_priced_once CHECK (((traffic_price IS NULL) OR (overage_block_bytes IS NULL))),
    CONSTRAINT plan_versions_traffic_price_by_month CHECK (((traffic_price IS NULL) OR (period_months IS NOT NULL))),
    CONSTRAINT plan_versions_windows_are_a_list CHECK ((jsonb_typeof(windows) = 'array'::text))
);
ALTER TABLE ONLY public.plan_versions ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.plan_versions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.plan_versions OWNER TO weir_owner;

CREATE TABLE public.plans (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    offered_in_portal boolean DEFAULT false NOT NULL,
    CONSTRAINT plans_have_a_name CHECK ((btrim(name) <> ''::text))
);
ALTER TABLE ONLY public.plans ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.plans FORCE ROW LEVEL SECURITY;

ALTER TABLE public.plans OWNER TO weir_owner;

CREATE TABLE public.plugin_invocations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    plugin_id uuid NOT NULL,
    version_id uuid NOT NULL,
    mode text NOT NULL,
    subject text NOT NULL,
    event_id uuid,
    at timestamp with time zone NOT NULL,
    call jsonb NOT NULL,
    result jsonb NOT NULL,
    outcome text NOT NULL,
    message text NOT NULL,
    logs jsonb NOT NULL,
    fuel bigint NOT NULL,
    micros bigint NOT NULL,
    CONSTRAINT plugin_invocations_mode_exists CHECK ((mode = ANY (ARRAY['live'::text, 'replay'::text])))
);
ALTER TABLE ONLY public.plugin_invocations ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.plugin_invocations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.plugin_invocations OWNER TO weir_owner;

CREATE TABLE public.plugin_versions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    plugin_id uuid NOT NULL,
    number integer NOT NULL,
    digest bytea NOT NULL,
    component bytea NOT NULL,
    imports text[] NOT NULL,
    code bytea NOT NULL,
    signature bytea NOT NULL,
    engine text NOT NULL,
    state text NOT NULL,
    dry_run jsonb,
    uploaded_by text NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    CONSTRAINT plugin_versions_digest_is_whole CHECK ((length(digest) = 32)),
    CONSTRAINT plugin_versions_state_exists CHECK ((state = ANY (ARRAY['verified'::text, 'tried'::text, 'active'::text, 'retired'::text])))
);
ALTER TABLE ONLY public.plugin_versions ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.plugin_versions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.plugin_versions OWNER TO weir_owner;

CREATE TABLE public.pool_thresholds (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    plan_version_id uuid NOT NULL,
    period_start_at timestamp with time zone NOT NULL,
    percent integer NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT pool_thresholds_percent_exists CHECK ((percent = ANY (ARRAY[80, 100])))
);
ALTER TABLE ONLY public.pool_thresholds ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.pool_thresholds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.pool_thresholds OWNER TO weir_owner;

CREATE TABLE public.port_blocks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    router_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    address inet NOT NULL,
    first_port integer NOT NULL,
    last_port integer NOT NULL,
    assigned_at timestamp with time zone NOT NULL,
    in_force_at timestamp with time zone,
    ended_at timestamp with time zone,
    free_at timestamp with time zone,
    out_of_force_at timestamp with time zone,
    CONSTRAINT port_blocks_are_free_after_their_end CHECK ((((ended_at IS NULL) = (free_at IS NULL)) AND (free_at >= ended_at))),
    CONSTRAINT port_blocks_are_of_one_address CHECK (((family(address) = 4) AND (masklen(address) = 32))),
    CONSTRAINT port_blocks_go_out_of_force_after_their_end CHECK (((out_of_force_at IS NULL) OR (ended_at IS NOT NULL))),
    CONSTRAINT port_blocks_leave_the_first_ports CHECK (((1024 <= first_port) AND (first_port <= last_port) AND (last_port <= 65535)))
);
ALTER TABLE ONLY public.port_blocks ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.port_blocks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.port_blocks OWNER TO weir_owner;

CREATE TABLE public.portal_links (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    subscriber_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT portal_links_hash_is_whole CHECK ((length(token_hash) = 32))
);
ALTER TABLE ONLY public.portal_links ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.portal_links FORCE ROW LEVEL SECURITY;

ALTER TABLE public.portal_links OWNER TO weir_owner;

CREATE TABLE public.portal_logins (
    tenant_id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    password_hash text,
    password_set_at timestamp with time zone,
    link_requested_at timestamp with time zone
);
ALTER TABLE ONLY public.portal_logins ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.portal_logins FORCE ROW LEVEL SECURITY;

ALTER TABLE public.portal_logins OWNER TO weir_owner;

CREATE TABLE public.portal_sessions (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    subscriber_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    CONSTRAINT portal_sessions_hash_is_whole CHECK ((length(token_hash) = 32))
);
ALTER TABLE ONLY public.portal_sessions ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.portal_sessions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.portal_sessions OWNER TO weir_owner;

CREATE TABLE public.portal_settings (
    tenant_id uuid NOT NULL,
    how_to_pay text DEFAULT ''::text NOT NULL,
    sign_up boolean DEFAULT true NOT NULL,
    cheaper_at_period_end boolean DEFAULT true NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    top_ups boolean DEFAULT false NOT NULL,
    CONSTRAINT portal_settings_how_to_pay_is_short CHECK ((length(how_to_pay) <= 1000))
);
ALTER TABLE ONLY public.portal_settings ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.portal_settings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.portal_settings OWNER TO weir_owner;

CREATE TABLE public.proformas (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    number text NOT NULL,
    as_of date NOT NULL,
    issued_on date NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    currency character(3) NOT NULL,
    net numeric(18,4) NOT NULL,
    tax numeric(18,4) NOT NULL,
    gross numeric(18,4) NOT NULL,
    content jsonb NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT proformas_ask_before CHECK ((issued_on <= as_of)),
    CONSTRAINT proformas_ask_for_something CHECK ((gross > (0)::numeric))
);
ALTER TABLE ONLY public.proformas ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.proformas FORCE ROW LEVEL SECURITY;

ALTER TABLE public.proformas OWNER TO weir_owner;

CREATE TABLE public.provider_events (
    tenant_id uuid NOT NULL,
    provider text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    received_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.provider_events ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.provider_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.provider_events OWNER TO weir_owner;

CREATE TABLE public.quality_hours (
    tenant_id uuid NOT NULL,
    router_id uuid NOT NULL,
    hour_at timestamp with time zone NOT NULL,
    told_ms bigint NOT NULL,
    span_ms bigint NOT NULL,
    CONSTRAINT quality_hours_speak_of_some_time CHECK ((span_ms > 0))
);
ALTER TABLE ONLY public.quality_hours ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.quality_hours FORCE ROW LEVEL SECURITY;

ALTER TABLE public.quality_hours OWNER TO weir_owner;

CREATE TABLE public.recognised_days (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    day date NOT NULL,
    recognised_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.recognised_days ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.recognised_days FORCE ROW LEVEL SECURITY;

ALTER TABLE public.recognised_days OWNER TO weir_owner;

CREATE TABLE public.refunds (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    number text,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    reason text NOT NULL,
    status text NOT NULL,
    reference text,
    code text,
    requested_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    CONSTRAINT refunds_are_positive CHECK ((amount > (0)::numeric)),
    CONSTRAINT refunds_done_are_numbered CHECK (((status = 'succeeded'::text) = (number IS NOT NULL))),
    CONSTRAINT refunds_kind_exists CHECK ((kind = ANY (ARRAY['refund'::text, 'dispute'::text]))),
    CONSTRAINT refunds_status_exists CHECK ((status = ANY (ARRAY['created'::text, 'pending'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text])))
);
ALTER TABLE ONLY public.refunds ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.refunds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.refunds OWNER TO weir_owner;

CREATE TABLE public.revenue_schedules (
    tenant_id uuid NOT NULL,
    line_id uuid NOT NULL,
    revision integer NOT NULL,
    since date NOT NULL,
    from_day date NOT NULL,
    through_day date NOT NULL,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT revenue_schedules_are_counted CHECK ((revision > 0)),
    CONSTRAINT revenue_schedules_are_of_days_to_come CHECK (((since <= from_day) AND (from_day <= through_day)))
);
ALTER TABLE ONLY public.revenue_schedules ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.revenue_schedules FORCE ROW LEVEL SECURITY;

ALTER TABLE public.revenue_schedules OWNER TO weir_owner;

CREATE TABLE public.router_clocks (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    boot_id bytea NOT NULL,
    heard_at timestamp with time zone NOT NULL,
    shown_at timestamp with time zone NOT NULL,
    booted_at timestamp with time zone NOT NULL,
    CONSTRAINT router_clocks_boot_before_they_speak CHECK ((booted_at <= heard_at)),
    CONSTRAINT router_clocks_boot_is_whole CHECK ((length(boot_id) = 16))
);
ALTER TABLE ONLY public.router_clocks ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.router_clocks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.router_clocks OWNER TO weir_owner;

CREATE TABLE public.routers (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    site_id uuid NOT NULL,
    name text NOT NULL,
    lan_interface text NOT NULL,
    wan_interface text NOT NULL,
    nat boolean DEFAULT false NOT NULL,
    capacity_down_bps bigint,
    capacity_up_bps bigint,
    next_handle integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    unknown_hosts text DEFAULT 'let_through'::text NOT NULL,
    own_networks cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    untracked boolean DEFAULT false NOT NULL,
    public_networks cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    ports_per_line integer DEFAULT 1024 NOT NULL,
    metered boolean DEFAULT false NOT NULL,
    CONSTRAINT routers_capacity_down_is_positive CHECK ((capacity_down_bps > 0)),
    CONSTRAINT routers_capacity_up_is_positive CHECK ((capacity_up_bps > 0)),
    CONSTRAINT routers_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT routers_ports_differ CHECK ((lan_interface <> wan_interface)),
    CONSTRAINT routers_ports_per_line_fit CHECK (((ports_per_line >= 128) AND (ports_per_line <= 16384))),
    CONSTRAINT routers_track_what_they_masquerade CHECK ((NOT (nat AND untracked))),
    CONSTRAINT routers_translate_where_they_masquerade CHECK ((nat OR (public_networks = '{}'::cidr[]))),
    CONSTRAINT routers_unknown_hosts_known CHECK ((unknown_hosts = ANY (ARRAY['let_through'::text, 'garden'::text, 'closed'::text])))
);
ALTER TABLE ONLY public.routers ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.routers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.routers OWNER TO weir_owner;

CREATE TABLE public.service_locations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    site_id uuid,
    line1 text NOT NULL,
    line2 text DEFAULT ''::text NOT NULL,
    city text NOT NULL,
    postcode text DEFAULT ''::text NOT NULL,
    country character(2) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    CONSTRAINT service_locations_have_a_street CHECK ((btrim(line1) <> ''::text))
);
ALTER TABLE ONLY public.service_locations ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.service_locations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.service_locations OWNER TO weir_owner;

CREATE TABLE public.sites (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT sites_have_a_name CHECK ((btrim(name) <> ''::text))
);
ALTER TABLE ONLY public.sites ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.sites FORCE ROW LEVEL SECURITY;

ALTER TABLE public.sites OWNER TO weir_owner;

CREATE TABLE public.staff (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    theme text DEFAULT 'system'::text NOT NULL,
    single_keys boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT staff_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT staff_role_exists CHECK ((role = ANY (ARRAY['owner'::text, 'billing'::text, 'support'::text, 'network'::text, 'read_only'::text]))),
    CONSTRAINT staff_theme_exists CHECK ((theme = ANY (ARRAY['system'::text, 'light'::text, 'dark'::text])))
);
ALTER TABLE ONLY public.staff ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.staff FORCE ROW LEVEL SECURITY;

ALTER TABLE public.staff OWNER TO weir_owner;

CREATE TABLE public.staff_policies (
    tenant_id uuid NOT NULL,
    second_step_required boolean NOT NULL
);
ALTER TABLE ONLY public.staff_policies ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.staff_policies FORCE ROW LEVEL SECURITY;

ALTER TABLE public.staff_policies OWNER TO weir_owner;

CREATE TABLE public.staff_recovery_codes (
    tenant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    CONSTRAINT staff_recovery_codes_hash_is_whole CHECK ((length(code_hash) = 32))
);
ALTER TABLE ONLY public.staff_recovery_codes ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.staff_recovery_codes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.staff_recovery_codes OWNER TO weir_owner;

CREATE TABLE public.staff_second_steps (
    tenant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    sealed_secret bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    last_step bigint DEFAULT 0 NOT NULL
);
ALTER TABLE ONLY public.staff_second_steps ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.staff_second_steps FORCE ROW LEVEL SECURITY;

ALTER TABLE public.staff_second_steps OWNER TO weir_owner;

CREATE TABLE public.subscribers (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    name_normalised text NOT NULL,
    email text,
    phone text,
    language text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT subscribers_have_a_name CHECK ((btrim(name) <> ''::text))
);
ALTER TABLE ONLY public.subscribers ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.subscribers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.subscribers OWNER TO weir_owner;

CREATE TABLE public.subscription_identities (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    router_id uuid NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    valid daterange NOT NULL,
    CONSTRAINT subscription_identities_have_a_value CHECK ((value <> ''::text)),
    CONSTRAINT subscription_identities_kind_exists CHECK ((kind = ANY (ARRAY['mac'::text, 'circuit-id'::text, 'remote-id'::text, 'pppoe-user'::text, 'duid'::text])))
);
ALTER TABLE ONLY public.subscription_identities ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.subscription_identities FORCE ROW LEVEL SECURITY;

ALTER TABLE public.subscription_identities OWNER TO weir_owner;

CREATE TABLE public.subscription_prefixes (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    router_id uuid NOT NULL,
    prefix cidr NOT NULL,
    valid daterange NOT NULL
);
ALTER TABLE ONLY public.subscription_prefixes ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.subscription_prefixes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.subscription_prefixes OWNER TO weir_owner;

CREATE TABLE public.subscription_terms (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    valid daterange NOT NULL,
    plan_version_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT subscription_terms_are_not_empty CHECK ((NOT isempty(valid)))
);
ALTER TABLE ONLY public.subscription_terms ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.subscription_terms FORCE ROW LEVEL SECURITY;

ALTER TABLE public.subscription_terms OWNER TO weir_owner;

CREATE TABLE public.support_holidays (
    tenant_id uuid NOT NULL,
    on_day date NOT NULL,
    name text DEFAULT ''::text NOT NULL
);
ALTER TABLE ONLY public.support_holidays ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.support_holidays FORCE ROW LEVEL SECURITY;

ALTER TABLE public.support_holidays OWNER TO weir_owner;

CREATE TABLE public.support_hours (
    tenant_id uuid NOT NULL,
    weekday smallint NOT NULL,
    opens_min smallint NOT NULL,
    closes_min smallint NOT NULL,
    CONSTRAINT support_hours_end_after_they_begin CHECK (((opens_min >= 0) AND (opens_min < closes_min) AND (closes_min <= 1440))),
    CONSTRAINT support_hours_weekday_exists CHECK (((weekday >= 1) AND (weekday <= 7)))
);
ALTER TABLE ONLY public.support_hours ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.support_hours FORCE ROW LEVEL SECURITY;

ALTER TABLE public.support_hours OWNER TO weir_owner;

CREATE TABLE public.support_mails (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id text NOT NULL,
    sender text NOT NULL,
    sender_name text DEFAULT ''::text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    body text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    ticket_id uuid,
    raw bytea,
    received_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT support_mails_are_kept_while_unmatched CHECK (((state = 'unmatched'::text) = (raw IS NOT NULL))),
    CONSTRAINT support_mails_state_exists CHECK ((state = ANY (ARRAY['taken'::text, 'unmatched'::text, 'ignored'::text, 'discarded'::text]))),
    CONSTRAINT support_mails_taken_have_a_ticket CHECK (((state <> 'taken'::text) OR (ticket_id IS NOT NULL)))
);
ALTER TABLE ONLY public.support_mails ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.support_mails FORCE ROW LEVEL SECURITY;

ALTER TABLE public.support_mails OWNER TO weir_owner;

CREATE TABLE public.support_plan_weights (
    tenant_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    weight text NOT NULL,
    CONSTRAINT support_plan_weights_exist CHECK ((weight = ANY (ARRAY['standard'::text, 'business'::text, 'critical'::text])))
);
ALTER TABLE ONLY public.support_plan_weights ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.support_plan_weights FORCE ROW LEVEL SECURITY;

ALTER TABLE public.support_plan_weights OWNER TO weir_owner;

CREATE TABLE public.support_policies (
    tenant_id uuid NOT NULL,
    reopen_days smallint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT support_policies_reopen_is_days CHECK (((reopen_days >= 0) AND (reopen_days <= 90)))
);
ALTER TABLE ONLY public.support_policies ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.support_policies FORCE ROW LEVEL SECURITY;

ALTER TABLE public.support_policies OWNER TO weir_owner;

CREATE TABLE public.support_targets (
    tenant_id uuid NOT NULL,
    priority text NOT NULL,
    first_response_minutes integer NOT NULL,
    resolution_minutes integer NOT NULL,
    CONSTRAINT support_targets_priority_exists CHECK ((priority = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'urgent'::text]))),
    CONSTRAINT support_targets_resolution_is_positive CHECK ((resolution_minutes > 0)),
    CONSTRAINT support_targets_response_is_positive CHECK ((first_response_minutes > 0))
);
ALTER TABLE ONLY public.support_targets ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.support_targets FORCE ROW LEVEL SECURITY;

ALTER TABLE public.support_targets OWNER TO weir_owner;

CREATE TABLE public.suspense_items (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    place text NOT NULL,
    bank_entry_id uuid,
    reference text,
    account_id uuid,
    currency character(3) NOT NULL,
    amount numeric(18,4) NOT NULL,
    received_on date NOT NULL,
    payer text NOT NULL,
    about text NOT NULL,
    why text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    intent text,
    CONSTRAINT suspense_items_are_positive CHECK ((amount > (0)::numeric)),
    CONSTRAINT suspense_items_have_one_source CHECK ((((place = 'bank'::text) = (bank_entry_id IS NOT NULL)) AND ((place = 'gateway'::text) = (reference IS NOT NULL)))),
    CONSTRAINT suspense_items_place_exists CHECK ((place = ANY (ARRAY['bank'::text, 'gateway'::text])))
);
ALTER TABLE ONLY public.suspense_items ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.suspense_items FORCE ROW LEVEL SECURITY;

ALTER TABLE public.suspense_items OWNER TO weir_owner;

CREATE TABLE public.suspense_returns (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    suspense_id uuid NOT NULL,
    reference text NOT NULL,
    amount numeric(18,4) NOT NULL,
    returned_on date NOT NULL,
    CONSTRAINT suspense_returns_are_positive CHECK ((amount > (0)::numeric))
);
ALTER TABLE ONLY public.suspense_returns ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.suspense_returns FORCE ROW LEVEL SECURITY;

ALTER TABLE public.suspense_returns OWNER TO weir_owner;

CREATE TABLE public.tax_exemptions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    document text NOT NULL,
    reason text NOT NULL,
    days daterange NOT NULL,
    created_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT tax_exemptions_have_a_reason CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT tax_exemptions_hold_for_a_day CHECK (((NOT isempty(days)) AND (NOT lower_inf(days)))),
    CONSTRAINT tax_exemptions_kind_exists CHECK ((kind = ANY (ARRAY['certificate'::text, 'reverse_charge'::text, 'intra_community'::text]))),
    CONSTRAINT tax_exemptions_name_a_document CHECK ((btrim(document) <> ''::text))
);
ALTER TABLE ONLY public.tax_exemptions ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.tax_exemptions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tax_exemptions OWNER TO weir_owner;

CREATE TABLE public.tax_rules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    country text NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    city text DEFAULT ''::text NOT NULL,
    postcode text DEFAULT ''::text NOT NULL,
    tax text NOT NULL,
    category text NOT NULL,
    rate_percent numeric(9,6) NOT NULL,
    turn smallint DEFAULT 0 NOT NULL,
    compound boolean DEFAULT false NOT NULL,
    days daterange DEFAULT daterange(NULL::date, NULL::date) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT tax_rules_category_fits_the_rate CHECK (
CASE category
    WHEN 'S'::text THEN (rate_percent > (0)::numeric)
    WHEN 'Z'::text THEN (rate_percent = (0)::numeric)
    WHEN 'E'::text THEN (rate_percent = (0)::numeric)
    ELSE true
END),
    CONSTRAINT tax_rules_category_is_of_a_place CHECK ((category = ANY (ARRAY['S'::text, 'Z'::text, 'E'::text, 'L'::text, 'M'::text]))),
    CONSTRAINT tax_rules_have_a_name CHECK ((btrim(tax) <> ''::text)),
    CONSTRAINT tax_rules_hold_for_a_day CHECK ((NOT isempty(days))),
    CONSTRAINT tax_rules_name_a_country CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT tax_rules_rate_is_a_percentage CHECK (((rate_percent >= (0)::numeric) AND (rate_percent <= (100)::numeric))),
    CONSTRAINT tax_rules_turn_is_small CHECK (((turn >= 0) AND (turn <= 99)))
);
ALTER TABLE ONLY public.tax_rules ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.tax_rules FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tax_rules OWNER TO weir_owner;

CREATE TABLE public.tenants (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    legal_name text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    country character(2) NOT NULL,
    tax_id text DEFAULT ''::text NOT NULL,
    currency character(3) NOT NULL,
    time_zone text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    hue smallint DEFAULT 255 NOT NULL,
    payment_terms_days smallint DEFAULT 14 NOT NULL,
    grace_days smallint DEFAULT 7 NOT NULL,
    invoice_prefix text DEFAULT 'INV'::text NOT NULL,
    contact text DEFAULT ''::text NOT NULL,
    pay_url text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    bank_holder text DEFAULT ''::text NOT NULL,
    bank_iban text DEFAULT ''::text NOT NULL,
    bank_bic text DEFAULT ''::text NOT NULL,
    port_block_months smallint DEFAULT 12 NOT NULL,
    restored_at timestamp with time zone,
    tax_rounding text DEFAULT 'invoice'::text NOT NULL,
    recognition text DEFAULT 'on_issue'::text NOT NULL,
    deferring_since timestamp with time zone,
    tax_included boolean DEFAULT false NOT NULL,
    CONSTRAINT tenants_grace_is_days CHECK (((grace_days >= 0) AND (grace_days <= 365))),
    CONSTRAINT tenants_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT tenants_hue_is_an_angle CHECK (((hue >= 0) AND (hue <= 359))),
    CONSTRAINT tenants_payment_terms_are_days CHECK (((payment_terms_days >= 0) AND (payment_terms_days <= 365))),
    CONSTRAINT tenants_port_block_months_fit CHECK (((port_block_months >= 1) AND (port_block_months <= 84))),
    CONSTRAINT tenants_recognition_exists CHECK ((recognition = ANY (ARRAY['on_issue'::text, 'over_period'::text]))),
    CONSTRAINT tenants_tax_rounding_exists CHECK ((tax_rounding = ANY (ARRAY['invoice'::text, 'line'::text])))
);
ALTER TABLE ONLY public.tenants ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenants OWNER TO weir_owner;

CREATE TABLE public.ticket_attachments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    entry_id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL,
    added_at timestamp with time zone NOT NULL,
    CONSTRAINT ticket_attachments_size_is_limited CHECK (((length(content) >= 1) AND (length(content) <= 10485760))),
    CONSTRAINT ticket_attachments_type_is_harmless CHECK ((media_type = ANY (ARRAY['application/pdf'::text, 'image/png'::text, 'image/jpeg'::text, 'image/webp'::text, 'text/plain'::text])))
);
ALTER TABLE ONLY public.ticket_attachments ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.ticket_attachments FORCE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_attachments OWNER TO weir_owner;

CREATE TABLE public.ticket_entries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    side text NOT NULL,
    author text NOT NULL,
    author_name text DEFAULT ''::text NOT NULL,
    channel text NOT NULL,
    body text DEFAULT ''::text NOT NULL,
    quoted text DEFAULT ''::text NOT NULL,
    change jsonb DEFAULT '{}'::jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT ticket_entries_channel_exists CHECK ((channel = ANY (ARRAY['staff'::text, 'portal'::text, 'email'::text]))),
    CONSTRAINT ticket_entries_kind_exists CHECK ((kind = ANY (ARRAY['reply'::text, 'note'::text, 'change'::text]))),
    CONSTRAINT ticket_entries_say_something CHECK ((((kind = 'change'::text) = (change <> '{}'::jsonb)) AND ((kind = 'change'::text) OR (btrim(body) <> ''::text)))),
    CONSTRAINT ticket_entries_side_exists CHECK ((side = ANY (ARRAY['staff'::text, 'subscriber'::text, 'system'::text])))
);
ALTER TABLE ONLY public.ticket_entries ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.ticket_entries FORCE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_entries OWNER TO weir_owner;

CREATE TABLE public.tickets (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number text NOT NULL,
    title text NOT NULL,
    channel text NOT NULL,
    status text NOT NULL,
    impact text NOT NULL,
    priority text NOT NULL,
    subscriber_id uuid,
    account_id uuid,
    subscription_id uuid,
    router_id uuid,
    invoice_id uuid,
    assignee_id uuid,
    opened_by text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    solved_at timestamp with time zone,
    closed_at timestamp with time zone,
    merged_into uuid,
    response_target_minutes integer NOT NULL,
    response_due_at timestamp with time zone,
    response_left_s bigint,
    response_at timestamp with time zone,
    response_missed_at timestamp with time zone,
    resolution_target_minutes integer NOT NULL,
    resolution_due_at timestamp with time zone,
    resolution_left_s bigint,
    resolution_missed_at timestamp with time zone,
    next_due_at timestamp with time zone GENERATED ALWAYS AS (LEAST(COALESCE(response_due_at, 'infinity'::timestamp with time zone), COALESCE(resolution_due_at, 'infinity'::timestamp with time zone))) STORED NOT NULL,
    CONSTRAINT tickets_are_about_somebody_or_a_router CHECK (((subscriber_id IS NOT NULL) OR (router_id IS NOT NULL))),
    CONSTRAINT tickets_channel_exists CHECK ((channel = ANY (ARRAY['staff'::text, 'portal'::text, 'email'::text]))),
    CONSTRAINT tickets_do_not_merge_into_themselves CHECK ((merged_into <> id)),
    CONSTRAINT tickets_have_a_title CHECK ((btrim(title) <> ''::text)),
    CONSTRAINT tickets_impact_exists CHECK ((impact = ANY (ARRAY['question'::text, 'one_line'::text, 'several_lines'::text, 'site'::text]))),
    CONSTRAINT tickets_priority_exists CHECK ((priority = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'urgent'::text]))),
    CONSTRAINT tickets_resolution_runs_or_stands CHECK (((resolution_due_at IS NULL) OR (resolution_left_s IS NULL))),
    CONSTRAINT tickets_response_runs_or_stands CHECK (((response_due_at IS NULL) OR (response_left_s IS NULL))),
    CONSTRAINT tickets_status_exists CHECK ((status = ANY (ARRAY['new'::text, 'open'::text, 'waiting'::text, 'solved'::text, 'closed'::text])))
);
ALTER TABLE ONLY public.tickets ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.tickets FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tickets OWNER TO weir_owner;

CREATE TABLE public.top_up_products (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    bytes bigint,
    price numeric(18,4) NOT NULL,
    currency character(3) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    rate_down_bps bigint,
    rate_up_bps bigint,
    minutes integer,
    CONSTRAINT top_up_products_are_a_volume_or_a_boost CHECK (((bytes IS NULL) = (minutes IS NOT NULL))),
    CONSTRAINT top_up_products_boosts_have_a_rate CHECK (((minutes IS NULL) = ((rate_down_bps IS NULL) AND (rate_up_bps IS NULL)))),
    CONSTRAINT top_up_products_bytes_are_positive CHECK ((bytes > 0)),
    CONSTRAINT top_up_products_have_a_name CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT top_up_products_minutes_are_in_bounds CHECK (((minutes >= 15) AND (minutes <= 44640))),
    CONSTRAINT top_up_products_price_is_not_negative CHECK ((price >= (0)::numeric)),
    CONSTRAINT top_up_products_rate_down_is_positive CHECK ((rate_down_bps > 0)),
    CONSTRAINT top_up_products_rate_up_is_positive CHECK ((rate_up_bps > 0))
);
ALTER TABLE ONLY public.top_up_products ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.top_up_products FORCE ROW LEVEL SECURITY;

ALTER TABLE public.top_up_products OWNER TO weir_owner;

CREATE TABLE public.top_ups (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    product_id uuid NOT NULL,
    plan_version_id uuid NOT NULL,
    name text NOT NULL,
    bytes bigint,
    price numeric(18,4) NOT NULL,
    currency character(3) NOT NULL,
    sold_on date NOT NULL,
    sold_at timestamp with time zone NOT NULL,
    sold_by text NOT NULL,
    until_on date NOT NULL,
    reference text NOT NULL,
    rate_down_bps bigint,
    rate_up_bps bigint,
    runs tstzrange,
    CONSTRAINT top_ups_are_a_volume_or_a_boost CHECK (((bytes IS NULL) = (runs IS NOT NULL))),
    CONSTRAINT top_ups_boosts_have_a_rate CHECK (((runs IS NULL) = ((rate_down_bps IS NULL) AND (rate_up_bps IS NULL)))),
    CONSTRAINT top_ups_bytes_are_positive CHECK ((bytes > 0)),
    CONSTRAINT top_ups_last_a_day CHECK ((until_on > sold_on)),
    CONSTRAINT top_ups_price_is_not_negative CHECK ((price >= (0)::numeric)),
    CONSTRAINT top_ups_rate_down_is_positive CHECK ((rate_down_bps > 0)),
    CONSTRAINT top_ups_rate_up_is_positive CHECK ((rate_up_bps > 0)),
    CONSTRAINT top_ups_runs_are_whole CHECK (((NOT isempty(runs)) AND (NOT lower_inf(runs)) AND (NOT upper_inf(runs))))
);
ALTER TABLE ONLY public.top_ups ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.top_ups FORCE ROW LEVEL SECURITY;

ALTER TABLE public.top_ups OWNER TO weir_owner;

CREATE TABLE public.unknown_hosts (
    tenant_id uuid NOT NULL,
    router_id uuid NOT NULL,
    address inet NOT NULL,
    mac text,
    seen_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.unknown_hosts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.unknown_hosts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.unknown_hosts OWNER TO weir_owner;

CREATE TABLE public.unknown_traffic (
    tenant_id uuid NOT NULL,
    router_id uuid NOT NULL,
    day_on date NOT NULL,
    from_bytes bigint NOT NULL,
    to_bytes bigint NOT NULL
);
ALTER TABLE ONLY public.unknown_traffic ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.unknown_traffic FORCE ROW LEVEL SECURITY;

ALTER TABLE public.unknown_traffic OWNER TO weir_owner;

CREATE TABLE public.uplink_quality (
    tenant_id uuid NOT NULL,
    router_id uuid NOT NULL,
    hour_at timestamp with time zone NOT NULL,
    role text NOT NULL,
    address text NOT NULL,
    told_ms bigint NOT NULL,
    asked bigint NOT NULL,
    answered bigint NOT NULL,
    rtt_p50_sum bigint NOT NULL,
    rtt_p95_us bigint NOT NULL,
    CONSTRAINT uplink_quality_answers_were_asked_for CHECK (((answered >= 0) AND (answered <= asked))),
    CONSTRAINT uplink_quality_role_exists CHECK ((role = ANY (ARRAY['gateway'::text, 'anchor'::text])))
);
ALTER TABLE ONLY public.uplink_quality ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.uplink_quality FORCE ROW LEVEL SECURITY;

ALTER TABLE public.uplink_quality OWNER TO weir_owner;

CREATE TABLE public.usage_epochs (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bytea NOT NULL,
    applied_seq bigint DEFAULT 0 NOT NULL,
    applied_hash bytea NOT NULL,
    trim_seq bigint DEFAULT 0 NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    applied_at timestamp with time zone,
    ordinal bigint NOT NULL,
    superseded_at timestamp with time zone,
    trimmed_for timestamp with time zone,
    CONSTRAINT usage_epochs_are_8_bytes CHECK ((length(epoch) = 8)),
    CONSTRAINT usage_epochs_hash_is_whole CHECK ((length(applied_hash) = 16)),
    CONSTRAINT usage_epochs_trim_behind_applied CHECK ((trim_seq <= applied_seq))
);
ALTER TABLE ONLY public.usage_epochs ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.usage_epochs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_epochs OWNER TO weir_owner;

ALTER TABLE public.usage_epochs ALTER COLUMN ordinal ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.usage_epochs_ordinal_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.usage_gaps (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bytea NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    noted_at timestamp with time zone NOT NULL,
    filled boolean DEFAULT false NOT NULL,
    CONSTRAINT usage_gaps_begin_at_a_record CHECK ((first_seq > 0)),
    CONSTRAINT usage_gaps_hold_a_record CHECK ((last_seq >= first_seq))
);
ALTER TABLE ONLY public.usage_gaps ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.usage_gaps FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_gaps OWNER TO weir_owner;

CREATE TABLE public.usage_quarantine (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    router_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bytea NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    lines integer NOT NULL,
    down_bytes bigint NOT NULL,
    up_bytes bigint NOT NULL,
    body bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    decision text,
    decided_at timestamp with time zone,
    counted_at timestamp with time zone,
    CONSTRAINT usage_quarantine_counts_what_is_billed CHECK (((counted_at IS NULL) OR (decision = 'billed'::text))),
    CONSTRAINT usage_quarantine_decision_is_known CHECK ((decision = ANY (ARRAY['billed'::text, 'dropped'::text]))),
    CONSTRAINT usage_quarantine_hash_is_whole CHECK ((length(hash) = 16)),
    CONSTRAINT usage_quarantine_is_decided_at_some_time CHECK (((decision IS NULL) = (decided_at IS NULL))),
    CONSTRAINT usage_quarantine_seq_is_positive CHECK ((seq > 0))
);
ALTER TABLE ONLY public.usage_quarantine ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.usage_quarantine FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_quarantine OWNER TO weir_owner;

CREATE TABLE public.usage_records (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bytea NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    seal_reason text NOT NULL,
    body bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    tally bytea,
    CONSTRAINT usage_records_tally_is_whole CHECK ((length(tally) = 8))
);
ALTER TABLE ONLY public.usage_records ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.usage_records FORCE ROW LEVEL SECURITY;

ALTER TABLE public.usage_records OWNER TO weir_owner;

CREATE TABLE public.webhook_attempts (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status smallint,
    body text DEFAULT ''::text NOT NULL,
    error text DEFAULT ''::text NOT NULL
);
ALTER TABLE ONLY public.webhook_attempts ALTER COLUMN tenant_id SET (n_distinct=20);

ALTER TABLE ONLY public.webhook_attempts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_attempts OWNER TO weir_owner;

ALTER TABLE ONLY platform.api_keys
    ADD CONSTRAINT api_keys_one_each UNIQUE (tenant_id, id);

ALTER TABLE ONLY platform.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_hash);

ALTER TABLE ONLY platform.authorities
    ADD CONSTRAINT authorities_pkey PRIMARY KEY (id);

ALTER TABLE ONLY platform.backups
    ADD CONSTRAINT backups_pkey PRIMARY KEY (began_at);

ALTER TABLE ONLY platform.enrollment_tokens
    ADD CONSTRAINT enrollment_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY platform.gateways
    ADD CONSTRAINT gateways_pkey PRIMARY KEY (id);

ALTER TABLE ONLY platform.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY platform.log_in_attempts
    ADD CONSTRAINT log_in_attempts_pkey PRIMARY KEY (address_hash);

ALTER TABLE ONLY platform.log_in_challenges
    ADD CONSTRAINT log_in_challenges_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY platform.portal_hosts
    ADD CONSTRAINT portal_hosts_one_each UNIQUE (tenant_id);

ALTER TABLE ONLY platform.portal_hosts
    ADD CONSTRAINT portal_hosts_pkey PRIMARY KEY (host);

ALTER TABLE ONLY platform.staff_invitations
    ADD CONSTRAINT staff_invitations_one_an_address UNIQUE (tenant_id, email);

ALTER TABLE ONLY platform.staff_invitations
    ADD CONSTRAINT staff_invitations_one_each UNIQUE (tenant_id, id);

ALTER TABLE ONLY platform.staff_invitations
    ADD CONSTRAINT staff_invitations_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY platform.staff_logins
    ADD CONSTRAINT staff_logins_one_each UNIQUE (tenant_id, staff_id);

ALTER TABLE ONLY platform.staff_logins
    ADD CONSTRAINT staff_logins_pkey PRIMARY KEY (email_normalised);

ALTER TABLE ONLY platform.staff_sessions
    ADD CONSTRAINT staff_sessions_one_each UNIQUE (tenant_id, id);

ALTER TABLE ONLY platform.staff_sessions
    ADD CONSTRAINT staff_sessions_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY platform.support_mailboxes
    ADD CONSTRAINT support_mailboxes_one_each UNIQUE (tenant_id);

ALTER TABLE ONLY platform.support_mailboxes
    ADD CONSTRAINT support_mailboxes_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY platform.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY platform.tenants
    ADD CONSTRAINT tenants_slug_unique UNIQUE (slug);

ALTER TABLE ONLY platform.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_once UNIQUE (tenant_id, webhook_id, event_id);

ALTER TABLE ONLY platform.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.access_points
    ADD CONSTRAINT access_points_name_unique UNIQUE (tenant_id, router_id, name);

ALTER TABLE ONLY public.access_points
    ADD CONSTRAINT access_points_of_a_router UNIQUE (tenant_id, router_id, id);

ALTER TABLE ONLY public.access_points
    ADD CONSTRAINT access_points_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_number_unique UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.agent_events
    ADD CONSTRAINT agent_events_pkey PRIMARY KEY (tenant_id, agent_id, id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.applied_objects
    ADD CONSTRAINT applied_objects_pkey PRIMARY KEY (tenant_id, agent_id, kind, object_id);

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.audit_links
    ADD CONSTRAINT audit_links_once UNIQUE (tenant_id, entry_id);

ALTER TABLE ONLY public.audit_links
    ADD CONSTRAINT audit_links_pkey PRIMARY KEY (tenant_id, "position");

ALTER TABLE ONLY public.bank_entries
    ADD CONSTRAINT bank_entries_once UNIQUE (tenant_id, iban, reference);

ALTER TABLE ONLY public.bank_entries
    ADD CONSTRAINT bank_entries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.bank_entries
    ADD CONSTRAINT bank_entries_position_unique UNIQUE (tenant_id, statement_id, "position");

ALTER TABLE ONLY public.bank_files
    ADD CONSTRAINT bank_files_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.bank_statements
    ADD CONSTRAINT bank_statements_once UNIQUE (tenant_id, iban, reference);

ALTER TABLE ONLY public.bank_statements
    ADD CONSTRAINT bank_statements_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.billed_charges
    ADD CONSTRAINT billed_charges_pkey PRIMARY KEY (tenant_id, charge_id);

ALTER TABLE ONLY public.billed_contracts
    ADD CONSTRAINT billed_contracts_pkey PRIMARY KEY (tenant_id, contract_id);

ALTER TABLE ONLY public.billed_periods
    ADD CONSTRAINT billed_periods_never_twice EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, component WITH =, period WITH &&);

ALTER TABLE ONLY public.billed_periods
    ADD CONSTRAINT billed_periods_pkey PRIMARY KEY (tenant_id, subscription_id, component, period);

ALTER TABLE ONLY public.billed_segments
    ADD CONSTRAINT billed_segments_pkey PRIMARY KEY (tenant_id, agent_id, epoch, seq, handle);

ALTER TABLE ONLY public.billed_top_ups
    ADD CONSTRAINT billed_top_ups_pkey PRIMARY KEY (tenant_id, top_up_id);

ALTER TABLE ONLY public.billing_batches
    ADD CONSTRAINT billing_batches_pkey PRIMARY KEY (tenant_id, run_id, number);

ALTER TABLE ONLY public.billing_faults
    ADD CONSTRAINT billing_faults_pkey PRIMARY KEY (tenant_id, account_id);

ALTER TABLE ONLY public.billing_runs
    ADD CONSTRAINT billing_runs_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.book_check_results
    ADD CONSTRAINT book_check_results_pkey PRIMARY KEY (tenant_id, check_id, question);

ALTER TABLE ONLY public.book_checks
    ADD CONSTRAINT book_checks_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.book_differences
    ADD CONSTRAINT book_differences_pkey PRIMARY KEY (tenant_id, check_id, question, "position");

ALTER TABLE ONLY public.cancelled_boosts
    ADD CONSTRAINT cancelled_boosts_pkey PRIMARY KEY (tenant_id, top_up_id);

ALTER TABLE ONLY public.contracts
    ADD CONSTRAINT contracts_never_overlap EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, term WITH &&) WHERE ((waived_at IS NULL));

ALTER TABLE ONLY public.contracts
    ADD CONSTRAINT contracts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.desired_objects
    ADD CONSTRAINT desired_objects_pkey PRIMARY KEY (tenant_id, agent_id, kind, object_id);

ALTER TABLE ONLY public.diagnoses
    ADD CONSTRAINT diagnoses_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.diagnosis_parts
    ADD CONSTRAINT diagnosis_parts_pkey PRIMARY KEY (tenant_id, diagnosis_id, number);

ALTER TABLE ONLY public.discounts
    ADD CONSTRAINT discounts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.dunning_cases
    ADD CONSTRAINT dunning_cases_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.dunning_pauses
    ADD CONSTRAINT dunning_pauses_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.dunning_policies
    ADD CONSTRAINT dunning_policies_pkey PRIMARY KEY (tenant_id, version);

ALTER TABLE ONLY public.dunning_promises
    ADD CONSTRAINT dunning_promises_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.dunning_steps
    ADD CONSTRAINT dunning_steps_pkey PRIMARY KEY (tenant_id, case_id, step);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.fair_use_standings
    ADD CONSTRAINT fair_use_standings_pkey PRIMARY KEY (tenant_id, subscription_id);

ALTER TABLE ONLY public.fair_use_thresholds
    ADD CONSTRAINT fair_use_thresholds_pkey PRIMARY KEY (tenant_id, subscription_id, period_start_at, percent);

ALTER TABLE ONLY public.fair_use_turns
    ADD CONSTRAINT fair_use_turns_pkey PRIMARY KEY (tenant_id, subscription_id, at, rule);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key);

ALTER TABLE ONLY public.import_rows
    ADD CONSTRAINT import_rows_pkey PRIMARY KEY (tenant_id, import_id, line);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.invoice_lines
    ADD CONSTRAINT invoice_lines_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.invoice_lines
    ADD CONSTRAINT invoice_lines_position_unique UNIQUE (tenant_id, invoice_id, "position");

ALTER TABLE ONLY public.invoice_taxes
    ADD CONSTRAINT invoice_taxes_pkey PRIMARY KEY (tenant_id, invoice_id, category, rate);

ALTER TABLE ONLY public.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.late_fee_waivers
    ADD CONSTRAINT late_fee_waivers_pkey PRIMARY KEY (tenant_id, late_fee_id);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_have_their_own_invoice UNIQUE (tenant_id, fee_invoice_id);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_once_a_step UNIQUE (tenant_id, invoice_id, step);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.learned_prefixes
    ADD CONSTRAINT learned_prefixes_pkey PRIMARY KEY (tenant_id, subscription_id, prefix);

ALTER TABLE ONLY public.ledger_closings
    ADD CONSTRAINT ledger_closings_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_source_once UNIQUE (tenant_id, source_kind, source_id, posting_kind);

ALTER TABLE ONLY public.ledger_postings
    ADD CONSTRAINT ledger_postings_pkey PRIMARY KEY (tenant_id, entry_id, "position");

ALTER TABLE ONLY public.line_probes
    ADD CONSTRAINT line_probes_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.line_quality
    ADD CONSTRAINT line_quality_pkey PRIMARY KEY (tenant_id, subscription_id, hour_at);

ALTER TABLE ONLY public.message_attempts
    ADD CONSTRAINT message_attempts_pkey PRIMARY KEY (tenant_id, message_id, number);

ALTER TABLE ONLY public.message_settings
    ADD CONSTRAINT message_settings_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.message_switches
    ADD CONSTRAINT message_switches_pkey PRIMARY KEY (tenant_id, template);

ALTER TABLE ONLY public.message_wordings
    ADD CONSTRAINT message_wordings_pkey PRIMARY KEY (tenant_id, template, language);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_once_per_cause UNIQUE (tenant_id, cause, template, channel, recipient);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.number_series
    ADD CONSTRAINT number_series_pkey PRIMARY KEY (tenant_id, kind, year);

ALTER TABLE ONLY public.one_time_charges
    ADD CONSTRAINT one_time_charges_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.one_time_charges
    ADD CONSTRAINT one_time_charges_reference_unique UNIQUE (tenant_id, account_id, reference);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.pauses
    ADD CONSTRAINT pauses_never_overlap EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, days WITH &&) WHERE ((cancelled_at IS NULL));

ALTER TABLE ONLY public.pauses
    ADD CONSTRAINT pauses_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.payers
    ADD CONSTRAINT payers_pkey PRIMARY KEY (tenant_id, account_id, provider);

ALTER TABLE ONLY public.payers
    ADD CONSTRAINT payers_reference_unique UNIQUE (tenant_id, provider, reference);

ALTER TABLE ONLY public.payment_attempt_steps
    ADD CONSTRAINT payment_attempt_steps_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_intent_unique UNIQUE (tenant_id, provider, intent);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_reference_unique UNIQUE (tenant_id, provider, reference);

ALTER TABLE ONLY public.payment_methods
    ADD CONSTRAINT payment_methods_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.payment_methods
    ADD CONSTRAINT payment_methods_reference_unique UNIQUE (tenant_id, provider, reference);

ALTER TABLE ONLY public.payment_providers
    ADD CONSTRAINT payment_providers_pkey PRIMARY KEY (tenant_id, provider);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_number_unique UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_of_a_suspense_once UNIQUE (tenant_id, suspense_id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_of_an_attempt_once UNIQUE (tenant_id, attempt_id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_of_an_entry_once UNIQUE (tenant_id, bank_entry_id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.plan_versions
    ADD CONSTRAINT plan_versions_number_unique UNIQUE (tenant_id, plan_id, version);

ALTER TABLE ONLY public.plan_versions
    ADD CONSTRAINT plan_versions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_name_unique UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.plugin_invocations
    ADD CONSTRAINT plugin_invocations_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.plugin_settings
    ADD CONSTRAINT plugin_settings_pkey PRIMARY KEY (tenant_id, plugin_id, revision);

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_belong_to_one UNIQUE (tenant_id, plugin_id, id);

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_digest_unique UNIQUE (tenant_id, plugin_id, digest);

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_number_unique UNIQUE (tenant_id, plugin_id, number);

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.plugins
    ADD CONSTRAINT plugins_name_unique UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.plugins
    ADD CONSTRAINT plugins_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.pool_thresholds
    ADD CONSTRAINT pool_thresholds_pkey PRIMARY KEY (tenant_id, account_id, plan_version_id, period_start_at, percent);

ALTER TABLE ONLY public.port_blocks
    ADD CONSTRAINT port_blocks_are_one_lines EXCLUDE USING gist (tenant_id WITH =, address WITH =, int4range(first_port, last_port, '[]'::text) WITH &&) WHERE ((ended_at IS NULL));

ALTER TABLE ONLY public.port_blocks
    ADD CONSTRAINT port_blocks_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.portal_links
    ADD CONSTRAINT portal_links_pkey PRIMARY KEY (tenant_id, token_hash);

ALTER TABLE ONLY public.portal_logins
    ADD CONSTRAINT portal_logins_pkey PRIMARY KEY (tenant_id, subscriber_id);

ALTER TABLE ONLY public.portal_sessions
    ADD CONSTRAINT portal_sessions_pkey PRIMARY KEY (tenant_id, token_hash);

ALTER TABLE ONLY public.portal_settings
    ADD CONSTRAINT portal_settings_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.proformas
    ADD CONSTRAINT proformas_are_numbered_once UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.proformas
    ADD CONSTRAINT proformas_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.provider_events
    ADD CONSTRAINT provider_events_pkey PRIMARY KEY (tenant_id, provider, event_id);

ALTER TABLE ONLY public.quality_hours
    ADD CONSTRAINT quality_hours_pkey PRIMARY KEY (tenant_id, router_id, hour_at);

ALTER TABLE ONLY public.recognised_days
    ADD CONSTRAINT recognised_days_once UNIQUE (tenant_id, day);

ALTER TABLE ONLY public.recognised_days
    ADD CONSTRAINT recognised_days_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_number_unique UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_reference_unique UNIQUE (tenant_id, reference);

ALTER TABLE ONLY public.revenue_schedules
    ADD CONSTRAINT revenue_schedules_pkey PRIMARY KEY (tenant_id, line_id, revision, from_day);

ALTER TABLE ONLY public.router_clocks
    ADD CONSTRAINT router_clocks_pkey PRIMARY KEY (tenant_id, agent_id, boot_id, heard_at);

ALTER TABLE ONLY public.routers
    ADD CONSTRAINT routers_name_unique UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.routers
    ADD CONSTRAINT routers_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.service_locations
    ADD CONSTRAINT service_locations_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_name_unique UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.staff_policies
    ADD CONSTRAINT staff_policies_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.staff_recovery_codes
    ADD CONSTRAINT staff_recovery_codes_pkey PRIMARY KEY (tenant_id, staff_id, code_hash);

ALTER TABLE ONLY public.staff_second_steps
    ADD CONSTRAINT staff_second_steps_pkey PRIMARY KEY (tenant_id, staff_id);

ALTER TABLE ONLY public.subscribers
    ADD CONSTRAINT subscribers_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.subscription_identities
    ADD CONSTRAINT subscription_identities_are_one_lines EXCLUDE USING gist (tenant_id WITH =, router_id WITH =, kind WITH =, value WITH =, valid WITH &&);

ALTER TABLE ONLY public.subscription_identities
    ADD CONSTRAINT subscription_identities_pkey PRIMARY KEY (tenant_id, subscription_id, kind, value);

ALTER TABLE ONLY public.subscription_prefixes
    ADD CONSTRAINT subscription_prefixes_never_overlap EXCLUDE USING gist (tenant_id WITH =, router_id WITH =, prefix inet_ops WITH &&, valid WITH &&);

ALTER TABLE ONLY public.subscription_prefixes
    ADD CONSTRAINT subscription_prefixes_pkey PRIMARY KEY (tenant_id, subscription_id, prefix);

ALTER TABLE ONLY public.subscription_terms
    ADD CONSTRAINT subscription_terms_never_overlap EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, valid WITH &&);

ALTER TABLE ONLY public.subscription_terms
    ADD CONSTRAINT subscription_terms_pkey PRIMARY KEY (tenant_id, subscription_id, valid);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_handle_unique UNIQUE (tenant_id, router_id, handle);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.support_holidays
    ADD CONSTRAINT support_holidays_pkey PRIMARY KEY (tenant_id, on_day);

ALTER TABLE ONLY public.support_hours
    ADD CONSTRAINT support_hours_pkey PRIMARY KEY (tenant_id, weekday);

ALTER TABLE ONLY public.support_mails
    ADD CONSTRAINT support_mails_come_once UNIQUE (tenant_id, message_id);

ALTER TABLE ONLY public.support_mails
    ADD CONSTRAINT support_mails_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.support_plan_weights
    ADD CONSTRAINT support_plan_weights_pkey PRIMARY KEY (tenant_id, plan_id);

ALTER TABLE ONLY public.support_policies
    ADD CONSTRAINT support_policies_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.support_targets
    ADD CONSTRAINT support_targets_pkey PRIMARY KEY (tenant_id, priority);

ALTER TABLE ONLY public.suspense_items
    ADD CONSTRAINT suspense_items_of_a_provider_once UNIQUE (tenant_id, reference);

ALTER TABLE ONLY public.suspense_items
    ADD CONSTRAINT suspense_items_of_an_entry_once UNIQUE (tenant_id, bank_entry_id);

ALTER TABLE ONLY public.suspense_items
    ADD CONSTRAINT suspense_items_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.suspense_returns
    ADD CONSTRAINT suspense_returns_once UNIQUE (tenant_id, reference);

ALTER TABLE ONLY public.suspense_returns
    ADD CONSTRAINT suspense_returns_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tax_exemptions
    ADD CONSTRAINT tax_exemptions_one_a_day EXCLUDE USING gist (tenant_id WITH =, account_id WITH =, days WITH &&) WHERE ((withdrawn_at IS NULL));

ALTER TABLE ONLY public.tax_exemptions
    ADD CONSTRAINT tax_exemptions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tax_rules
    ADD CONSTRAINT tax_rules_hold_once EXCLUDE USING gist (tenant_id WITH =, country WITH =, lower(region) WITH =, lower(city) WITH =, lower(postcode) WITH =, lower(tax) WITH =, days WITH &&) WHERE ((withdrawn_at IS NULL));

ALTER TABLE ONLY public.tax_rules
    ADD CONSTRAINT tax_rules_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.ticket_attachments
    ADD CONSTRAINT ticket_attachments_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.ticket_entries
    ADD CONSTRAINT ticket_entries_follow_each_other UNIQUE (tenant_id, ticket_id, "position");

ALTER TABLE ONLY public.ticket_entries
    ADD CONSTRAINT ticket_entries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_number_unique UNIQUE (tenant_id, number);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.top_up_products
    ADD CONSTRAINT top_up_products_name_unique UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.top_up_products
    ADD CONSTRAINT top_up_products_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_reference_unique UNIQUE (tenant_id, subscription_id, reference);

ALTER TABLE ONLY public.unknown_hosts
    ADD CONSTRAINT unknown_hosts_pkey PRIMARY KEY (tenant_id, router_id, address);

ALTER TABLE ONLY public.unknown_traffic
    ADD CONSTRAINT unknown_traffic_pkey PRIMARY KEY (tenant_id, router_id, day_on);

ALTER TABLE ONLY public.unmerged_usage
    ADD CONSTRAINT unmerged_usage_pkey PRIMARY KEY (tenant_id, agent_id, epoch, seq);

ALTER TABLE ONLY public.uplink_quality
    ADD CONSTRAINT uplink_quality_pkey PRIMARY KEY (tenant_id, router_id, hour_at, role, address);

ALTER TABLE ONLY public.usage_epochs
    ADD CONSTRAINT usage_epochs_pkey PRIMARY KEY (tenant_id, agent_id, epoch);

ALTER TABLE ONLY public.usage_gaps
    ADD CONSTRAINT usage_gaps_pkey PRIMARY KEY (tenant_id, agent_id, epoch, first_seq);

ALTER TABLE ONLY public.usage_quarantine
    ADD CONSTRAINT usage_quarantine_once UNIQUE (tenant_id, router_id, hash);

ALTER TABLE ONLY public.usage_quarantine
    ADD CONSTRAINT usage_quarantine_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.usage_records
    ADD CONSTRAINT usage_records_pkey PRIMARY KEY (tenant_id, agent_id, epoch, seq);

ALTER TABLE ONLY public.usage_segments
    ADD CONSTRAINT usage_segments_pkey PRIMARY KEY (tenant_id, agent_id, epoch, seq, handle);

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_pkey PRIMARY KEY (tenant_id, delivery_id, number);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (tenant_id, id);

CREATE INDEX jobs_done ON platform.jobs USING btree (tenant_id, kind, done_at) WHERE (done_at IS NOT NULL);

CREATE INDEX jobs_due ON platform.jobs USING btree (outward, run_at) WHERE ((done_at IS NULL) AND (failed_at IS NULL));

CREATE UNIQUE INDEX jobs_pending_once ON platform.jobs USING btree (tenant_id, kind, unique_key) WHERE ((done_at IS NULL) AND (failed_at IS NULL));

CREATE INDEX log_in_attempts_by_age ON platform.log_in_attempts USING btree (last_at);

CREATE INDEX staff_sessions_by_staff ON platform.staff_sessions USING btree (tenant_id, staff_id);

CREATE INDEX webhook_deliveries_by_webhook ON platform.webhook_deliveries USING btree (tenant_id, webhook_id, id);

CREATE INDEX webhook_deliveries_due ON platform.webhook_deliveries USING btree (next_attempt_at) WHERE (status = 'pending'::text);

CREATE INDEX access_points_by_parent ON public.access_points USING btree (tenant_id, parent_id);

CREATE INDEX accounts_by_payer ON public.accounts USING btree (tenant_id, payer_id) WHERE (payer_id IS NOT NULL);

CREATE INDEX accounts_by_subscriber ON public.accounts USING btree (tenant_id, subscriber_id);

CREATE INDEX agent_events_by_arrival ON public.agent_events USING btree (tenant_id, agent_id, received_at, id);

CREATE INDEX agent_events_of_conflicts ON public.agent_events USING btree (tenant_id, agent_id, at) WHERE (kind = 'address-conflict'::text);

CREATE UNIQUE INDEX agents_one_a_router ON public.agents USING btree (tenant_id, router_id) WHERE (revoked_at IS NULL);

CREATE INDEX allocations_by_credit ON public.allocations USING btree (tenant_id, credit_id) WHERE (credit_id IS NOT NULL);

CREATE INDEX allocations_by_invoice ON public.allocations USING btree (tenant_id, invoice_id);

CREATE INDEX allocations_by_payment ON public.allocations USING btree (tenant_id, payment_id) WHERE (payment_id IS NOT NULL);

CREATE INDEX applied_objects_held ON public.applied_objects USING btree (tenant_id, agent_id) WHERE (code ~~ '%-held'::text);

CREATE INDEX applied_objects_refused ON public.applied_objects USING btree (tenant_id, agent_id, object_id) WHERE (status = ANY (ARRAY['failed'::text, 'rejected'::text, 'unsupported'::text]));

CREATE INDEX audit_entries_by_action ON public.audit_entries USING btree (tenant_id, action, at);

CREATE INDEX audit_entries_by_actor ON public.audit_entries USING btree (tenant_id, actor, at);

CREATE INDEX audit_entries_by_subject ON public.audit_entries USING btree (tenant_id, subject, at);

CREATE INDEX audit_entries_in_time ON public.audit_entries USING btree (tenant_id, at, id);

CREATE INDEX billed_segments_by_line ON public.billed_segments USING btree (tenant_id, invoice_line_id);

CREATE UNIQUE INDEX billing_runs_one_at_a_time ON public.billing_runs USING btree (tenant_id) WHERE (status = 'running'::text);

CREATE INDEX book_checks_by_day ON public.book_checks USING btree (tenant_id, checked_on);

CREATE UNIQUE INDEX credit_notes_number_unique ON public.invoices USING btree (tenant_id, number) WHERE (corrects_id IS NOT NULL);

CREATE INDEX desired_objects_by_generation ON public.desired_objects USING btree (tenant_id, agent_id, generation);

CREATE INDEX diagnoses_by_time ON public.diagnoses USING btree (tenant_id, asked_at);

CREATE INDEX diagnoses_of_a_router ON public.diagnoses USING btree (tenant_id, router_id, id);

CREATE INDEX diagnoses_waiting ON public.diagnoses USING btree (tenant_id, agent_id) WHERE waits;

CREATE INDEX discounts_by_subscription ON public.discounts USING btree (tenant_id, subscription_id);

CREATE INDEX dunning_cases_by_account ON public.dunning_cases USING btree (tenant_id, account_id, id);

CREATE UNIQUE INDEX dunning_cases_one_open ON public.dunning_cases USING btree (tenant_id, account_id) WHERE (closed_at IS NULL);

CREATE INDEX dunning_pauses_by_case ON public.dunning_pauses USING btree (tenant_id, case_id, id);

CREATE INDEX dunning_promises_by_case ON public.dunning_promises USING btree (tenant_id, case_id, id);

CREATE INDEX events_by_account ON public.events USING btree (tenant_id, account_id, id) WHERE (account_id IS NOT NULL);

CREATE INDEX events_by_kind ON public.events USING btree (tenant_id, kind, id);

CREATE INDEX holds_by_debtor ON public.holds USING btree (tenant_id, debtor_id) WHERE ((debtor_id IS NOT NULL) AND (released_at IS NULL));

CREATE INDEX holds_in_force ON public.holds USING btree (tenant_id, subscription_id) WHERE (released_at IS NULL);

CREATE UNIQUE INDEX holds_pause_once ON public.holds USING btree (tenant_id, pause_id) WHERE ((pause_id IS NOT NULL) AND (released_at IS NULL));

CREATE UNIQUE INDEX holds_unpaid_once ON public.holds USING btree (tenant_id, subscription_id, debtor_id) NULLS NOT DISTINCT WHERE ((kind = 'unpaid'::text) AND (released_at IS NULL));

CREATE INDEX import_rows_wrong ON public.import_rows USING btree (tenant_id, import_id, line) WHERE (errors <> '[]'::jsonb);

CREATE INDEX invoice_lines_by_credited ON public.invoice_lines USING btree (tenant_id, credits_line_id) WHERE (credits_line_id IS NOT NULL);

CREATE INDEX invoice_lines_by_subscription ON public.invoice_lines USING btree (tenant_id, subscription_id);

CREATE INDEX invoices_by_account ON public.invoices USING btree (tenant_id, account_id, issued_on);

CREATE INDEX invoices_by_corrected ON public.invoices USING btree (tenant_id, corrects_id) WHERE (corrects_id IS NOT NULL);

CREATE INDEX invoices_by_due ON public.invoices USING btree (tenant_id, due_on) WHERE (status = 'issued'::text);

CREATE INDEX invoices_by_run ON public.invoices USING btree (tenant_id, run_id) WHERE (run_id IS NOT NULL);

CREATE UNIQUE INDEX invoices_number_unique ON public.invoices USING btree (tenant_id, number) WHERE (corrects_id IS NULL);

CREATE INDEX late_fees_by_account ON public.late_fees USING btree (tenant_id, account_id);

CREATE INDEX late_fees_by_case ON public.late_fees USING btree (tenant_id, case_id);

CREATE INDEX learned_prefixes_by_address ON public.learned_prefixes USING gist (tenant_id, prefix inet_ops);

CREATE UNIQUE INDEX ledger_closings_in_turn ON public.ledger_closings USING btree (tenant_id, turn);

CREATE INDEX ledger_entries_by_day ON public.ledger_entries USING btree (tenant_id, posted_on, id);

CREATE INDEX ledger_postings_by_account ON public.ledger_postings USING btree (tenant_id, account_id, ledger_account) WHERE (account_id IS NOT NULL);

CREATE INDEX line_probes_of_a_line ON public.line_probes USING btree (tenant_id, subscription_id, id);

CREATE INDEX line_probes_of_a_router ON public.line_probes USING btree (tenant_id, router_id, asked_at);

CREATE INDEX line_probes_waiting ON public.line_probes USING btree (tenant_id, agent_id) WHERE (state = 'asked'::text);

CREATE INDEX line_quality_by_hour ON public.line_quality USING btree (tenant_id, router_id, hour_at);

CREATE INDEX messages_by_account ON public.messages USING btree (tenant_id, account_id, id);

CREATE INDEX messages_by_status ON public.messages USING btree (tenant_id, status, id);

CREATE INDEX messages_by_subscriber ON public.messages USING btree (tenant_id, subscriber_id, id);

CREATE INDEX orders_by_email ON public.orders USING btree (tenant_id, lower(email), placed_at);

CREATE INDEX orders_by_origin ON public.orders USING btree (tenant_id, origin, placed_at) WHERE (origin IS NOT NULL);

CREATE INDEX orders_by_status ON public.orders USING btree (tenant_id, status, id);

CREATE INDEX pauses_by_subscription ON public.pauses USING btree (tenant_id, subscription_id);

CREATE INDEX payment_attempt_steps_by_attempt ON public.payment_attempt_steps USING btree (tenant_id, attempt_id, id);

CREATE INDEX payment_attempts_by_account ON public.payment_attempts USING btree (tenant_id, account_id, id);

CREATE UNIQUE INDEX payment_attempts_one_open ON public.payment_attempts USING btree (tenant_id, account_id) WHERE (status = ANY (ARRAY['created'::text, 'pending'::text, 'unknown'::text]));

CREATE INDEX payment_attempts_to_retry ON public.payment_attempts USING btree (tenant_id, retry_on) WHERE (retry_on IS NOT NULL);

CREATE INDEX payment_methods_by_account ON public.payment_methods USING btree (tenant_id, account_id);

CREATE UNIQUE INDEX payment_methods_one_pays ON public.payment_methods USING btree (tenant_id, account_id) WHERE autopay;

CREATE INDEX payments_by_account ON public.payments USING btree (tenant_id, account_id, received_on);

CREATE INDEX plan_versions_with_phases ON public.plan_versions USING btree (tenant_id) WHERE (phases <> '[]'::jsonb);

CREATE INDEX plugin_invocations_by_age ON public.plugin_invocations USING btree (tenant_id, at);

CREATE INDEX plugin_invocations_by_plugin ON public.plugin_invocations USING btree (tenant_id, plugin_id, id);

CREATE UNIQUE INDEX plugin_invocations_once_an_event ON public.plugin_invocations USING btree (tenant_id, plugin_id, event_id) WHERE ((event_id IS NOT NULL) AND (mode = 'live'::text) AND (outcome = 'ok'::text));

CREATE UNIQUE INDEX plugins_one_sets_prices ON public.plugins USING btree (tenant_id) WHERE ((hook = 'rate-usage'::text) AND (active_version_id IS NOT NULL));

CREATE INDEX port_blocks_by_address ON public.port_blocks USING btree (tenant_id, address, assigned_at);

CREATE INDEX port_blocks_ended ON public.port_blocks USING btree (tenant_id, ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX port_blocks_held ON public.port_blocks USING btree (tenant_id, router_id) WHERE (out_of_force_at IS NULL);

CREATE INDEX port_blocks_of_a_line ON public.port_blocks USING btree (tenant_id, subscription_id, assigned_at);

CREATE INDEX port_blocks_of_a_router ON public.port_blocks USING btree (tenant_id, router_id) WHERE (ended_at IS NULL);

CREATE UNIQUE INDEX port_blocks_one_a_line ON public.port_blocks USING btree (tenant_id, subscription_id) WHERE (ended_at IS NULL);

CREATE INDEX portal_links_by_subscriber ON public.portal_links USING btree (tenant_id, subscriber_id);

CREATE INDEX portal_sessions_by_subscriber ON public.portal_sessions USING btree (tenant_id, subscriber_id);

CREATE INDEX proformas_by_account ON public.proformas USING btree (tenant_id, account_id, id);

CREATE INDEX refunds_by_payment ON public.refunds USING btree (tenant_id, payment_id);

CREATE INDEX revenue_schedules_by_end ON public.revenue_schedules USING btree (tenant_id, through_day);

CREATE INDEX service_locations_by_subscriber ON public.service_locations USING btree (tenant_id, subscriber_id);

CREATE INDEX subscribers_by_email ON public.subscribers USING btree (tenant_id, lower(btrim(email))) WHERE (email IS NOT NULL);

CREATE INDEX subscribers_by_name ON public.subscribers USING btree (tenant_id, name_normalised text_pattern_ops);

CREATE INDEX subscription_identities_by_value ON public.subscription_identities USING btree (tenant_id, value);

CREATE INDEX subscriptions_by_access_point ON public.subscriptions USING btree (tenant_id, access_point_id);

CREATE INDEX subscriptions_by_account ON public.subscriptions USING btree (tenant_id, account_id);

CREATE INDEX support_mails_unmatched ON public.support_mails USING btree (tenant_id, id DESC) WHERE (state = 'unmatched'::text);

CREATE INDEX suspense_returns_by_item ON public.suspense_returns USING btree (tenant_id, suspense_id);

CREATE INDEX ticket_attachments_by_entry ON public.ticket_attachments USING btree (tenant_id, entry_id);

CREATE INDEX tickets_by_router ON public.tickets USING btree (tenant_id, router_id) WHERE (router_id IS NOT NULL);

CREATE INDEX tickets_by_status ON public.tickets USING btree (tenant_id, status, solved_at);

CREATE INDEX tickets_by_subscriber ON public.tickets USING btree (tenant_id, subscriber_id, id DESC) WHERE (subscriber_id IS NOT NULL);

CREATE INDEX tickets_in_order ON public.tickets USING btree (tenant_id, next_due_at, id DESC);

CREATE INDEX usage_epochs_by_epoch ON public.usage_epochs USING btree (tenant_id, epoch);

CREATE INDEX usage_quarantine_uncounted ON public.usage_quarantine USING btree (tenant_id, router_id, epoch, seq) WHERE ((decision = 'billed'::text) AND (counted_at IS NULL));

CREATE INDEX usage_quarantine_undecided ON public.usage_quarantine USING btree (tenant_id, router_id, epoch, seq) WHERE (decision IS NULL);

CREATE INDEX usage_segments_by_subscription ON public.usage_segments USING btree (tenant_id, subscription_id, end_at) WHERE (subscription_id IS NOT NULL);

CREATE TRIGGER accounts_payer_can_pay BEFORE INSERT OR UPDATE OF payer_id ON public.accounts FOR EACH ROW EXECUTE FUNCTION public.payer_can_pay();

CREATE CONSTRAINT TRIGGER allocations_fit AFTER INSERT ON public.allocations DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION public.allocations_fit();

CREATE TRIGGER billed_periods_refer AFTER INSERT ON public.billed_periods REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.billed_periods_refer();

CREATE TRIGGER credit_notes_fit AFTER INSERT ON public.invoices FOR EACH ROW WHEN ((new.corrects_id IS NOT NULL)) EXECUTE FUNCTION public.credit_notes_fit();

CREATE TRIGGER events_refer AFTER INSERT ON public.events REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.events_refer();

CREATE TRIGGER invoice_lines_refer AFTER INSERT ON public.invoice_lines REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.invoice_lines_refer();

CREATE TRIGGER invoice_taxes_refer AFTER INSERT ON public.invoice_taxes REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.invoice_taxes_refer();

CREATE TRIGGER invoices_issued_is_final BEFORE UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION public.issued_invoice_is_final();

CREATE TRIGGER invoices_refer AFTER INSERT ON public.invoices REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.invoices_refer();

CREATE TRIGGER ledger_entries_are_of_open_days AFTER INSERT ON public.ledger_entries REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_entries_are_of_open_days();

CREATE TRIGGER ledger_entries_balance AFTER INSERT ON public.ledger_postings REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_entries_balance();

CREATE TRIGGER ledger_entries_have_postings AFTER INSERT ON public.ledger_entries REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_entries_have_postings();

CREATE TRIGGER ledger_entries_refer AFTER INSERT ON public.ledger_entries REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_entries_refer();

CREATE TRIGGER ledger_postings_refer AFTER INSERT ON public.ledger_postings REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_postings_refer();

CREATE TRIGGER one_time_charges_billed_is_final BEFORE UPDATE ON public.one_time_charges FOR EACH ROW EXECUTE FUNCTION public.charge_is_not_billed();

CREATE TRIGGER port_blocks_are_history BEFORE DELETE OR UPDATE ON public.port_blocks FOR EACH ROW EXECUTE FUNCTION public.port_blocks_are_history();

CREATE TRIGGER subscribers_portal_follows_email AFTER UPDATE OF email ON public.subscribers FOR EACH ROW WHEN ((lower(btrim(old.email)) IS DISTINCT FROM lower(btrim(new.email)))) EXECUTE FUNCTION public.portal_follows_email();

CREATE TRIGGER usage_segments_belong AFTER INSERT ON public.usage_segments REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.usage_segments_belong_to_a_record();

ALTER TABLE ONLY platform.api_keys
    ADD CONSTRAINT api_keys_tenant_id_made_by_fkey FOREIGN KEY (tenant_id, made_by) REFERENCES public.staff(tenant_id, id);

ALTER TABLE ONLY platform.enrollment_tokens
    ADD CONSTRAINT enrollment_tokens_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY platform.jobs
    ADD CONSTRAINT jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES platform.tenants(tenant_id);

ALTER TABLE ONLY platform.log_in_challenges
    ADD CONSTRAINT log_in_challenges_tenant_id_staff_id_fkey FOREIGN KEY (tenant_id, staff_id) REFERENCES public.staff(tenant_id, id);

ALTER TABLE ONLY platform.portal_hosts
    ADD CONSTRAINT portal_hosts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES platform.tenants(tenant_id);

ALTER TABLE ONLY platform.staff_invitations
    ADD CONSTRAINT staff_invitations_tenant_id_invited_by_fkey FOREIGN KEY (tenant_id, invited_by) REFERENCES public.staff(tenant_id, id);

ALTER TABLE ONLY platform.staff_logins
    ADD CONSTRAINT staff_logins_tenant_id_staff_id_fkey FOREIGN KEY (tenant_id, staff_id) REFERENCES public.staff(tenant_id, id);

ALTER TABLE ONLY platform.staff_sessions
    ADD CONSTRAINT staff_sessions_tenant_id_staff_id_fkey FOREIGN KEY (tenant_id, staff_id) REFERENCES public.staff(tenant_id, id);

ALTER TABLE ONLY platform.support_mailboxes
    ADD CONSTRAINT support_mailboxes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES platform.tenants(tenant_id);

ALTER TABLE ONLY platform.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_tenant_id_event_id_fkey FOREIGN KEY (tenant_id, event_id) REFERENCES public.events(tenant_id, id);

ALTER TABLE ONLY platform.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_tenant_id_webhook_id_fkey FOREIGN KEY (tenant_id, webhook_id) REFERENCES public.webhooks(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.access_points
    ADD CONSTRAINT access_points_hang_on_one_of_their_router FOREIGN KEY (tenant_id, router_id, parent_id) REFERENCES public.access_points(tenant_id, router_id, id);

ALTER TABLE ONLY public.access_points
    ADD CONSTRAINT access_points_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.access_points
    ADD CONSTRAINT access_points_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_tenant_id_payer_id_fkey FOREIGN KEY (tenant_id, payer_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.agent_events
    ADD CONSTRAINT agent_events_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.agent_events
    ADD CONSTRAINT agent_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_authority_id_fkey FOREIGN KEY (authority_id) REFERENCES platform.authorities(id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_shown_authority_id_fkey FOREIGN KEY (shown_authority_id) REFERENCES platform.authorities(id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_tenant_id_credit_id_fkey FOREIGN KEY (tenant_id, credit_id) REFERENCES public.invoices(tenant_id, id);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_tenant_id_payment_id_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_tenant_id_refund_id_fkey FOREIGN KEY (tenant_id, refund_id) REFERENCES public.refunds(tenant_id, id);

ALTER TABLE ONLY public.applied_objects
    ADD CONSTRAINT applied_objects_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.applied_objects
    ADD CONSTRAINT applied_objects_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.audit_links
    ADD CONSTRAINT audit_links_tenant_id_entry_id_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES public.audit_entries(tenant_id, id);

ALTER TABLE ONLY public.audit_links
    ADD CONSTRAINT audit_links_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.bank_entries
    ADD CONSTRAINT bank_entries_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.bank_entries
    ADD CONSTRAINT bank_entries_tenant_id_statement_id_fkey FOREIGN KEY (tenant_id, statement_id) REFERENCES public.bank_statements(tenant_id, id);

ALTER TABLE ONLY public.bank_files
    ADD CONSTRAINT bank_files_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.bank_statements
    ADD CONSTRAINT bank_statements_tenant_id_file_id_fkey FOREIGN KEY (tenant_id, file_id) REFERENCES public.bank_files(tenant_id, id);

ALTER TABLE ONLY public.bank_statements
    ADD CONSTRAINT bank_statements_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.billed_charges
    ADD CONSTRAINT billed_charges_tenant_id_charge_id_fkey FOREIGN KEY (tenant_id, charge_id) REFERENCES public.one_time_charges(tenant_id, id);

ALTER TABLE ONLY public.billed_charges
    ADD CONSTRAINT billed_charges_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.billed_charges
    ADD CONSTRAINT billed_charges_tenant_id_invoice_line_id_fkey FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES public.invoice_lines(tenant_id, id);

ALTER TABLE ONLY public.billed_contracts
    ADD CONSTRAINT billed_contracts_tenant_id_contract_id_fkey FOREIGN KEY (tenant_id, contract_id) REFERENCES public.contracts(tenant_id, id);

ALTER TABLE ONLY public.billed_contracts
    ADD CONSTRAINT billed_contracts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.billed_contracts
    ADD CONSTRAINT billed_contracts_tenant_id_invoice_line_id_fkey FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES public.invoice_lines(tenant_id, id);

ALTER TABLE ONLY public.billed_segments
    ADD CONSTRAINT billed_segments_tenant_id_agent_id_epoch_seq_handle_fkey FOREIGN KEY (tenant_id, agent_id, epoch, seq, handle) REFERENCES public.usage_segments(tenant_id, agent_id, epoch, seq, handle);

ALTER TABLE ONLY public.billed_segments
    ADD CONSTRAINT billed_segments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.billed_segments
    ADD CONSTRAINT billed_segments_tenant_id_invoice_line_id_fkey FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES public.invoice_lines(tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.billed_top_ups
    ADD CONSTRAINT billed_top_ups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.billed_top_ups
    ADD CONSTRAINT billed_top_ups_tenant_id_invoice_line_id_fkey FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES public.invoice_lines(tenant_id, id);

ALTER TABLE ONLY public.billed_top_ups
    ADD CONSTRAINT billed_top_ups_tenant_id_top_up_id_fkey FOREIGN KEY (tenant_id, top_up_id) REFERENCES public.top_ups(tenant_id, id);

ALTER TABLE ONLY public.billing_batches
    ADD CONSTRAINT billing_batches_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.billing_batches
    ADD CONSTRAINT billing_batches_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES public.billing_runs(tenant_id, id);

ALTER TABLE ONLY public.billing_faults
    ADD CONSTRAINT billing_faults_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.billing_faults
    ADD CONSTRAINT billing_faults_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.billing_faults
    ADD CONSTRAINT billing_faults_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES public.billing_runs(tenant_id, id);

ALTER TABLE ONLY public.billing_runs
    ADD CONSTRAINT billing_runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.book_check_results
    ADD CONSTRAINT book_check_results_tenant_id_check_id_fkey FOREIGN KEY (tenant_id, check_id) REFERENCES public.book_checks(tenant_id, id);

ALTER TABLE ONLY public.book_check_results
    ADD CONSTRAINT book_check_results_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.book_checks
    ADD CONSTRAINT book_checks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.book_differences
    ADD CONSTRAINT book_differences_tenant_id_check_id_question_fkey FOREIGN KEY (tenant_id, check_id, question) REFERENCES public.book_check_results(tenant_id, check_id, question);

ALTER TABLE ONLY public.book_differences
    ADD CONSTRAINT book_differences_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.cancelled_boosts
    ADD CONSTRAINT cancelled_boosts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.cancelled_boosts
    ADD CONSTRAINT cancelled_boosts_tenant_id_top_up_id_fkey FOREIGN KEY (tenant_id, top_up_id) REFERENCES public.top_ups(tenant_id, id);

ALTER TABLE ONLY public.contracts
    ADD CONSTRAINT contracts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.contracts
    ADD CONSTRAINT contracts_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.desired_objects
    ADD CONSTRAINT desired_objects_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.desired_objects
    ADD CONSTRAINT desired_objects_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.diagnoses
    ADD CONSTRAINT diagnoses_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.diagnoses
    ADD CONSTRAINT diagnoses_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.diagnoses
    ADD CONSTRAINT diagnoses_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.diagnoses
    ADD CONSTRAINT diagnoses_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.diagnosis_parts
    ADD CONSTRAINT diagnosis_parts_tenant_id_diagnosis_id_fkey FOREIGN KEY (tenant_id, diagnosis_id) REFERENCES public.diagnoses(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.diagnosis_parts
    ADD CONSTRAINT diagnosis_parts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.discounts
    ADD CONSTRAINT discounts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.discounts
    ADD CONSTRAINT discounts_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.dunning_cases
    ADD CONSTRAINT dunning_cases_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.dunning_cases
    ADD CONSTRAINT dunning_cases_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.dunning_pauses
    ADD CONSTRAINT dunning_pauses_tenant_id_case_id_fkey FOREIGN KEY (tenant_id, case_id) REFERENCES public.dunning_cases(tenant_id, id);

ALTER TABLE ONLY public.dunning_pauses
    ADD CONSTRAINT dunning_pauses_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.dunning_policies
    ADD CONSTRAINT dunning_policies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.dunning_policies
    ADD CONSTRAINT dunning_policies_tenant_id_restores_fkey FOREIGN KEY (tenant_id, restores) REFERENCES public.dunning_policies(tenant_id, version);

ALTER TABLE ONLY public.dunning_promises
    ADD CONSTRAINT dunning_promises_tenant_id_case_id_fkey FOREIGN KEY (tenant_id, case_id) REFERENCES public.dunning_cases(tenant_id, id);

ALTER TABLE ONLY public.dunning_promises
    ADD CONSTRAINT dunning_promises_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.dunning_steps
    ADD CONSTRAINT dunning_steps_tenant_id_case_id_fkey FOREIGN KEY (tenant_id, case_id) REFERENCES public.dunning_cases(tenant_id, id);

ALTER TABLE ONLY public.dunning_steps
    ADD CONSTRAINT dunning_steps_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.fair_use_standings
    ADD CONSTRAINT fair_use_standings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.fair_use_standings
    ADD CONSTRAINT fair_use_standings_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.fair_use_thresholds
    ADD CONSTRAINT fair_use_thresholds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.fair_use_thresholds
    ADD CONSTRAINT fair_use_thresholds_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.fair_use_turns
    ADD CONSTRAINT fair_use_turns_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.fair_use_turns
    ADD CONSTRAINT fair_use_turns_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_tenant_id_debtor_id_fkey FOREIGN KEY (tenant_id, debtor_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_tenant_id_pause_id_fkey FOREIGN KEY (tenant_id, pause_id) REFERENCES public.pauses(tenant_id, id);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.import_rows
    ADD CONSTRAINT import_rows_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.import_rows
    ADD CONSTRAINT import_rows_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id) REFERENCES public.imports(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.import_rows
    ADD CONSTRAINT import_rows_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.invoice_lines
    ADD CONSTRAINT invoice_lines_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.late_fee_waivers
    ADD CONSTRAINT late_fee_waivers_tenant_id_credit_invoice_id_fkey FOREIGN KEY (tenant_id, credit_invoice_id) REFERENCES public.invoices(tenant_id, id);

ALTER TABLE ONLY public.late_fee_waivers
    ADD CONSTRAINT late_fee_waivers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.late_fee_waivers
    ADD CONSTRAINT late_fee_waivers_tenant_id_late_fee_id_fkey FOREIGN KEY (tenant_id, late_fee_id) REFERENCES public.late_fees(tenant_id, id);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_tenant_id_case_id_fkey FOREIGN KEY (tenant_id, case_id) REFERENCES public.dunning_cases(tenant_id, id);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_tenant_id_fee_invoice_id_fkey FOREIGN KEY (tenant_id, fee_invoice_id) REFERENCES public.invoices(tenant_id, id);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.late_fees
    ADD CONSTRAINT late_fees_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id);

ALTER TABLE ONLY public.learned_prefixes
    ADD CONSTRAINT learned_prefixes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.learned_prefixes
    ADD CONSTRAINT learned_prefixes_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.ledger_closings
    ADD CONSTRAINT ledger_closings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.line_probes
    ADD CONSTRAINT line_probes_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.line_probes
    ADD CONSTRAINT line_probes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.line_probes
    ADD CONSTRAINT line_probes_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.line_probes
    ADD CONSTRAINT line_probes_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.line_quality
    ADD CONSTRAINT line_quality_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.line_quality
    ADD CONSTRAINT line_quality_tenant_id_router_id_hour_at_fkey FOREIGN KEY (tenant_id, router_id, hour_at) REFERENCES public.quality_hours(tenant_id, router_id, hour_at) ON DELETE CASCADE;

ALTER TABLE ONLY public.line_quality
    ADD CONSTRAINT line_quality_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.message_attempts
    ADD CONSTRAINT message_attempts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.message_attempts
    ADD CONSTRAINT message_attempts_tenant_id_message_id_fkey FOREIGN KEY (tenant_id, message_id) REFERENCES public.messages(tenant_id, id);

ALTER TABLE ONLY public.message_settings
    ADD CONSTRAINT message_settings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.message_switches
    ADD CONSTRAINT message_switches_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.message_wordings
    ADD CONSTRAINT message_wordings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_tenant_id_again_of_fkey FOREIGN KEY (tenant_id, again_of) REFERENCES public.messages(tenant_id, id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.number_series
    ADD CONSTRAINT number_series_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.one_time_charges
    ADD CONSTRAINT one_time_charges_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.one_time_charges
    ADD CONSTRAINT one_time_charges_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.one_time_charges
    ADD CONSTRAINT one_time_charges_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_tenant_id_plan_version_id_fkey FOREIGN KEY (tenant_id, plan_version_id) REFERENCES public.plan_versions(tenant_id, id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.pauses
    ADD CONSTRAINT pauses_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.pauses
    ADD CONSTRAINT pauses_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.payers
    ADD CONSTRAINT payers_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.payers
    ADD CONSTRAINT payers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.payment_attempt_steps
    ADD CONSTRAINT payment_attempt_steps_tenant_id_attempt_id_fkey FOREIGN KEY (tenant_id, attempt_id) REFERENCES public.payment_attempts(tenant_id, id);

ALTER TABLE ONLY public.payment_attempt_steps
    ADD CONSTRAINT payment_attempt_steps_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_tenant_id_method_id_fkey FOREIGN KEY (tenant_id, method_id) REFERENCES public.payment_methods(tenant_id, id);

ALTER TABLE ONLY public.payment_methods
    ADD CONSTRAINT payment_methods_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.payment_methods
    ADD CONSTRAINT payment_methods_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.payment_providers
    ADD CONSTRAINT payment_providers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_tenant_id_attempt_id_fkey FOREIGN KEY (tenant_id, attempt_id) REFERENCES public.payment_attempts(tenant_id, id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_tenant_id_bank_entry_id_fkey FOREIGN KEY (tenant_id, bank_entry_id) REFERENCES public.bank_entries(tenant_id, id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_tenant_id_suspense_id_fkey FOREIGN KEY (tenant_id, suspense_id) REFERENCES public.suspense_items(tenant_id, id);

ALTER TABLE ONLY public.plan_versions
    ADD CONSTRAINT plan_versions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.plan_versions
    ADD CONSTRAINT plan_versions_tenant_id_plan_id_fkey FOREIGN KEY (tenant_id, plan_id) REFERENCES public.plans(tenant_id, id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.plugin_invocations
    ADD CONSTRAINT plugin_invocations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.plugin_invocations
    ADD CONSTRAINT plugin_invocations_tenant_id_plugin_id_version_id_fkey FOREIGN KEY (tenant_id, plugin_id, version_id) REFERENCES public.plugin_versions(tenant_id, plugin_id, id);

ALTER TABLE ONLY public.plugin_settings
    ADD CONSTRAINT plugin_settings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.plugin_settings
    ADD CONSTRAINT plugin_settings_tenant_id_plugin_id_fkey FOREIGN KEY (tenant_id, plugin_id) REFERENCES public.plugins(tenant_id, id);

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_tenant_id_plugin_id_fkey FOREIGN KEY (tenant_id, plugin_id) REFERENCES public.plugins(tenant_id, id);

ALTER TABLE ONLY public.plugins
    ADD CONSTRAINT plugins_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.plugins
    ADD CONSTRAINT plugins_tenant_id_id_active_version_id_fkey FOREIGN KEY (tenant_id, id, active_version_id) REFERENCES public.plugin_versions(tenant_id, plugin_id, id);

ALTER TABLE ONLY public.plugins
    ADD CONSTRAINT plugins_tenant_id_id_previous_version_id_fkey FOREIGN KEY (tenant_id, id, previous_version_id) REFERENCES public.plugin_versions(tenant_id, plugin_id, id);

ALTER TABLE ONLY public.pool_thresholds
    ADD CONSTRAINT pool_thresholds_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.pool_thresholds
    ADD CONSTRAINT pool_thresholds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.pool_thresholds
    ADD CONSTRAINT pool_thresholds_tenant_id_plan_version_id_fkey FOREIGN KEY (tenant_id, plan_version_id) REFERENCES public.plan_versions(tenant_id, id);

ALTER TABLE ONLY public.port_blocks
    ADD CONSTRAINT port_blocks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.port_blocks
    ADD CONSTRAINT port_blocks_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.port_blocks
    ADD CONSTRAINT port_blocks_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.portal_links
    ADD CONSTRAINT portal_links_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.portal_logins
    ADD CONSTRAINT portal_logins_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.portal_sessions
    ADD CONSTRAINT portal_sessions_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.portal_settings
    ADD CONSTRAINT portal_settings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.proformas
    ADD CONSTRAINT proformas_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.proformas
    ADD CONSTRAINT proformas_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.provider_events
    ADD CONSTRAINT provider_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.quality_hours
    ADD CONSTRAINT quality_hours_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.quality_hours
    ADD CONSTRAINT quality_hours_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.recognised_days
    ADD CONSTRAINT recognised_days_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_tenant_id_payment_id_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);

ALTER TABLE ONLY public.revenue_schedules
    ADD CONSTRAINT revenue_schedules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.revenue_schedules
    ADD CONSTRAINT revenue_schedules_tenant_id_line_id_fkey FOREIGN KEY (tenant_id, line_id) REFERENCES public.invoice_lines(tenant_id, id);

ALTER TABLE ONLY public.router_clocks
    ADD CONSTRAINT router_clocks_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.router_clocks
    ADD CONSTRAINT router_clocks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.routers
    ADD CONSTRAINT routers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.routers
    ADD CONSTRAINT routers_tenant_id_site_id_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES public.sites(tenant_id, id);

ALTER TABLE ONLY public.service_locations
    ADD CONSTRAINT service_locations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.service_locations
    ADD CONSTRAINT service_locations_tenant_id_site_id_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES public.sites(tenant_id, id);

ALTER TABLE ONLY public.service_locations
    ADD CONSTRAINT service_locations_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.staff_policies
    ADD CONSTRAINT staff_policies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.staff_recovery_codes
    ADD CONSTRAINT staff_recovery_codes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.staff_recovery_codes
    ADD CONSTRAINT staff_recovery_codes_tenant_id_staff_id_fkey FOREIGN KEY (tenant_id, staff_id) REFERENCES public.staff_second_steps(tenant_id, staff_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.staff_second_steps
    ADD CONSTRAINT staff_second_steps_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.staff_second_steps
    ADD CONSTRAINT staff_second_steps_tenant_id_staff_id_fkey FOREIGN KEY (tenant_id, staff_id) REFERENCES public.staff(tenant_id, id);

ALTER TABLE ONLY public.staff
    ADD CONSTRAINT staff_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.subscribers
    ADD CONSTRAINT subscribers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.subscription_identities
    ADD CONSTRAINT subscription_identities_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.subscription_identities
    ADD CONSTRAINT subscription_identities_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.subscription_identities
    ADD CONSTRAINT subscription_identities_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.subscription_prefixes
    ADD CONSTRAINT subscription_prefixes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.subscription_prefixes
    ADD CONSTRAINT subscription_prefixes_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.subscription_prefixes
    ADD CONSTRAINT subscription_prefixes_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.subscription_terms
    ADD CONSTRAINT subscription_terms_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.subscription_terms
    ADD CONSTRAINT subscription_terms_tenant_id_plan_version_id_fkey FOREIGN KEY (tenant_id, plan_version_id) REFERENCES public.plan_versions(tenant_id, id);

ALTER TABLE ONLY public.subscription_terms
    ADD CONSTRAINT subscription_terms_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_are_behind_one_of_their_router FOREIGN KEY (tenant_id, router_id, access_point_id) REFERENCES public.access_points(tenant_id, router_id, id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_tenant_id_service_location_id_fkey FOREIGN KEY (tenant_id, service_location_id) REFERENCES public.service_locations(tenant_id, id);

ALTER TABLE ONLY public.support_holidays
    ADD CONSTRAINT support_holidays_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.support_policies(tenant_id);

ALTER TABLE ONLY public.support_hours
    ADD CONSTRAINT support_hours_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.support_policies(tenant_id);

ALTER TABLE ONLY public.support_mails
    ADD CONSTRAINT support_mails_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.support_mails
    ADD CONSTRAINT support_mails_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES public.tickets(tenant_id, id);

ALTER TABLE ONLY public.support_plan_weights
    ADD CONSTRAINT support_plan_weights_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.support_plan_weights
    ADD CONSTRAINT support_plan_weights_tenant_id_plan_id_fkey FOREIGN KEY (tenant_id, plan_id) REFERENCES public.plans(tenant_id, id);

ALTER TABLE ONLY public.support_policies
    ADD CONSTRAINT support_policies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.support_targets
    ADD CONSTRAINT support_targets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.support_policies(tenant_id);

ALTER TABLE ONLY public.suspense_items
    ADD CONSTRAINT suspense_items_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.suspense_items
    ADD CONSTRAINT suspense_items_tenant_id_bank_entry_id_fkey FOREIGN KEY (tenant_id, bank_entry_id) REFERENCES public.bank_entries(tenant_id, id);

ALTER TABLE ONLY public.suspense_items
    ADD CONSTRAINT suspense_items_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.suspense_returns
    ADD CONSTRAINT suspense_returns_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.suspense_returns
    ADD CONSTRAINT suspense_returns_tenant_id_suspense_id_fkey FOREIGN KEY (tenant_id, suspense_id) REFERENCES public.suspense_items(tenant_id, id);

ALTER TABLE ONLY public.tax_exemptions
    ADD CONSTRAINT tax_exemptions_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.tax_exemptions
    ADD CONSTRAINT tax_exemptions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.tax_rules
    ADD CONSTRAINT tax_rules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES platform.tenants(tenant_id);

ALTER TABLE ONLY public.ticket_attachments
    ADD CONSTRAINT ticket_attachments_tenant_id_entry_id_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES public.ticket_entries(tenant_id, id);

ALTER TABLE ONLY public.ticket_attachments
    ADD CONSTRAINT ticket_attachments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.ticket_entries
    ADD CONSTRAINT ticket_entries_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.ticket_entries
    ADD CONSTRAINT ticket_entries_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES public.tickets(tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.accounts(tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_assignee_id_fkey FOREIGN KEY (tenant_id, assignee_id) REFERENCES public.staff(tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_merged_into_fkey FOREIGN KEY (tenant_id, merged_into) REFERENCES public.tickets(tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_subscriber_id_fkey FOREIGN KEY (tenant_id, subscriber_id) REFERENCES public.subscribers(tenant_id, id);

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.top_up_products
    ADD CONSTRAINT top_up_products_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_tenant_id_plan_version_id_fkey FOREIGN KEY (tenant_id, plan_version_id) REFERENCES public.plan_versions(tenant_id, id);

ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id) REFERENCES public.top_up_products(tenant_id, id);

ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id);

ALTER TABLE ONLY public.unknown_hosts
    ADD CONSTRAINT unknown_hosts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.unknown_hosts
    ADD CONSTRAINT unknown_hosts_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.unknown_traffic
    ADD CONSTRAINT unknown_traffic_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.unknown_traffic
    ADD CONSTRAINT unknown_traffic_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.unmerged_usage
    ADD CONSTRAINT unmerged_usage_tenant_id_agent_id_epoch_seq_fkey FOREIGN KEY (tenant_id, agent_id, epoch, seq) REFERENCES public.usage_records(tenant_id, agent_id, epoch, seq);

ALTER TABLE ONLY public.unmerged_usage
    ADD CONSTRAINT unmerged_usage_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.uplink_quality
    ADD CONSTRAINT uplink_quality_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.uplink_quality
    ADD CONSTRAINT uplink_quality_tenant_id_router_id_hour_at_fkey FOREIGN KEY (tenant_id, router_id, hour_at) REFERENCES public.quality_hours(tenant_id, router_id, hour_at) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_epochs
    ADD CONSTRAINT usage_epochs_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.usage_epochs
    ADD CONSTRAINT usage_epochs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.usage_gaps
    ADD CONSTRAINT usage_gaps_tenant_id_agent_id_epoch_fkey FOREIGN KEY (tenant_id, agent_id, epoch) REFERENCES public.usage_epochs(tenant_id, agent_id, epoch);

ALTER TABLE ONLY public.usage_gaps
    ADD CONSTRAINT usage_gaps_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.usage_quarantine
    ADD CONSTRAINT usage_quarantine_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.usage_quarantine
    ADD CONSTRAINT usage_quarantine_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.usage_quarantine
    ADD CONSTRAINT usage_quarantine_tenant_id_router_id_fkey FOREIGN KEY (tenant_id, router_id) REFERENCES public.routers(tenant_id, id);

ALTER TABLE ONLY public.usage_records
    ADD CONSTRAINT usage_records_tenant_id_agent_id_epoch_fkey FOREIGN KEY (tenant_id, agent_id, epoch) REFERENCES public.usage_epochs(tenant_id, agent_id, epoch);

ALTER TABLE ONLY public.usage_records
    ADD CONSTRAINT usage_records_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_tenant_id_delivery_id_fkey FOREIGN KEY (tenant_id, delivery_id) REFERENCES platform.webhook_deliveries(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(tenant_id);

ALTER TABLE platform.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.enrollment_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.jobs ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.log_in_challenges ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform ON platform.api_keys TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.enrollment_tokens TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.jobs TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.log_in_challenges TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.portal_hosts TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.staff_invitations TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.staff_logins TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.staff_sessions TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.support_mailboxes TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.tenants TO weir_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON platform.webhook_deliveries TO weir_platform USING (true) WITH CHECK (true);

ALTER TABLE platform.portal_hosts ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.staff_invitations ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.staff_logins ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.staff_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.support_mailboxes ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON platform.api_keys TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.enrollment_tokens TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.jobs TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.log_in_challenges TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.portal_hosts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.staff_invitations TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.staff_logins TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.staff_sessions TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.support_mailboxes TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.tenants TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON platform.webhook_deliveries TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

ALTER TABLE platform.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform.webhook_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.access_points ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.agent_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.allocations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.applied_objects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bank_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bank_files ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bank_statements ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billed_charges ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billed_contracts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billed_periods ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billed_segments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billed_top_ups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billing_batches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billing_faults ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.billing_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.book_check_results ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.book_checks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.book_differences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cancelled_boosts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contracts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.desired_objects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.diagnoses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.diagnosis_parts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.discounts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_cases ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_pauses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_policies ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_promises ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dunning_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.fair_use_standings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.fair_use_thresholds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.fair_use_turns ENABLE ROW LEVEL SECURITY;

CREATE POLICY gateways ON public.agents TO weir_platform USING (true);

ALTER TABLE public.holds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_rows ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.imports ENABLE ROW LEVEL SECURITY;

CREATE POLICY installation ON public.audit_entries FOR INSERT TO weir_platform WITH CHECK (true);

ALTER TABLE public.invoice_lines ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invoice_taxes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.late_fee_waivers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.late_fees ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.learned_prefixes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_closings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_postings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.line_probes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.line_quality ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_switches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_wordings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.number_series ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.one_time_charges ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.pauses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.payers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.payment_attempt_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.payment_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.payment_methods ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.payment_providers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.payments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plan_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plans ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plugin_invocations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plugin_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plugin_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plugins ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.pool_thresholds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.port_blocks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.portal_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.portal_logins ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.portal_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.portal_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.proformas ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.provider_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quality_hours ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.recognised_days ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.refunds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.revenue_schedules ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.router_clocks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.routers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.service_locations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sites ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.staff ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.staff_policies ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.staff_recovery_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.staff_second_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscribers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscription_identities ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscription_prefixes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscription_terms ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscriptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_holidays ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_hours ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_mails ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_plan_weights ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_policies ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_targets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.suspense_items ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.suspense_returns ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tax_exemptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tax_rules ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.access_points TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.accounts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.agent_events TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.agents TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.allocations TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.applied_objects TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.audit_entries TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.audit_links TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.bank_entries TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.bank_files TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.bank_statements TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billed_charges TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billed_contracts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billed_periods TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billed_segments TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billed_top_ups TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billing_batches TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billing_faults TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.billing_runs TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.book_check_results TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.book_checks TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.book_differences TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.cancelled_boosts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.contracts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.desired_objects TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.diagnoses TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.diagnosis_parts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.discounts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.dunning_cases TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.dunning_pauses TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.dunning_policies TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.dunning_promises TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.dunning_steps TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.events TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.fair_use_standings TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.fair_use_thresholds TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.fair_use_turns TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.holds TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.idempotency_keys TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.import_rows TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.imports TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.invoice_lines TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.invoice_taxes TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.invoices TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.late_fee_waivers TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.late_fees TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.learned_prefixes TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.ledger_closings TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.ledger_entries TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.ledger_postings TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.line_probes TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.line_quality TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.message_attempts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.message_settings TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.message_switches TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.message_wordings TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.messages TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.number_series TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.one_time_charges TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.orders TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.pauses TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.payers TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.payment_attempt_steps TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.payment_attempts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.payment_methods TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.payment_providers TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.payments TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.plan_versions TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.plans TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.plugin_invocations TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.plugin_settings TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.plugin_versions TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.plugins TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.pool_thresholds TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.port_blocks TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.portal_links TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.portal_logins TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.portal_sessions TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.portal_settings TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.proformas TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.provider_events TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.quality_hours TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.recognised_days TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.refunds TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.revenue_schedules TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.router_clocks TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.routers TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.service_locations TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.sites TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.staff TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.staff_policies TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.staff_recovery_codes TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.staff_second_steps TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.subscribers TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.subscription_identities TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.subscription_prefixes TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.subscription_terms TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.subscriptions TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.support_holidays TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.support_hours TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.support_mails TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.support_plan_weights TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.support_policies TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.support_targets TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.suspense_items TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.suspense_returns TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.tax_exemptions TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.tax_rules TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.tenants TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.ticket_attachments TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.ticket_entries TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.tickets TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.top_up_products TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.top_ups TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.unknown_hosts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.unknown_traffic TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.unmerged_usage TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.uplink_quality TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.usage_epochs TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.usage_gaps TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.usage_quarantine TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.usage_records TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.usage_segments TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.webhook_attempts TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY tenant ON public.webhooks TO weir_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_attachments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tickets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.top_up_products ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.top_ups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.unknown_hosts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.unknown_traffic ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.unmerged_usage ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.uplink_quality ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_epochs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_gaps ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_quarantine ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_records ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_segments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhooks ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA platform TO weir_app;
GRANT USAGE ON SCHEMA platform TO weir_platform;

GRANT ALL ON SCHEMA public TO weir_owner;
GRANT USAGE ON SCHEMA public TO weir_app;
GRANT USAGE ON SCHEMA public TO weir_platform;

REVOKE ALL ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;

REVOKE ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.api_keys TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.api_keys TO weir_platform;

GRANT SELECT,INSERT ON TABLE platform.authorities TO weir_platform;

GRANT SELECT(id) ON TABLE platform.authorities TO weir_app;

GRANT UPDATE(issuing_since) ON TABLE platform.authorities TO weir_platform;

GRANT UPDATE(retired_at) ON TABLE platform.authorities TO weir_platform;
GRANT SELECT(retired_at) ON TABLE platform.authorities TO weir_app;

GRANT SELECT ON TABLE platform.backups TO weir_app;
GRANT SELECT ON TABLE platform.backups TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.enrollment_tokens TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.enrollment_tokens TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.gateways TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.jobs TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.jobs TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.log_in_attempts TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.log_in_challenges TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.log_in_challenges TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.portal_hosts TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.portal_hosts TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.staff_invitations TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.staff_invitations TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.staff_logins TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.staff_logins TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.staff_sessions TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.staff_sessions TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.support_mailboxes TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.support_mailboxes TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.tenants TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.tenants TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.webhook_deliveries TO weir_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE platform.webhook_deliveries TO weir_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.access_points TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.accounts TO weir_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.agent_events TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.agents TO weir_app;

GRANT SELECT(id) ON TABLE public.agents TO weir_platform;

GRANT SELECT(revoked_at) ON TABLE public.agents TO weir_platform;

GRANT SELECT(session_id) ON TABLE public.agents TO weir_platform;

GRANT SELECT(connected_at) ON TABLE public.agents TO weir_platform;

GRANT SELECT(disconnected_at) ON TABLE public.agents TO weir_platform;

GRANT SELECT(last_seen_at),UPDATE(last_seen_at) ON TABLE public.agents TO weir_platform;

GRANT SELECT(desired_gen) ON TABLE public.agents TO weir_platform;

GRANT SELECT(authority_id) ON TABLE public.agents TO weir_platform;

GRANT SELECT(trust_digest) ON TABLE public.agents TO weir_platform;

GRANT SELECT(certificate_renewed_at) ON TABLE public.agents TO weir_platform;

GRANT SELECT(shown_authority_id) ON TABLE public.agents TO weir_platform;

GRANT SELECT,INSERT ON TABLE public.allocations TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.applied_objects TO weir_app;

GRANT SELECT,INSERT ON TABLE public.audit_entries TO weir_app;
GRANT INSERT ON TABLE public.audit_entries TO weir_platform;

GRANT SELECT,INSERT ON TABLE public.audit_links TO weir_app;

GRANT SELECT,INSERT ON TABLE public.bank_entries TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.bank_files TO weir_app;

GRANT SELECT,INSERT ON TABLE public.bank_statements TO weir_app;

GRANT SELECT,INSERT ON TABLE public.billed_charges TO weir_app;

GRANT SELECT,INSERT ON TABLE public.billed_contracts TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.billed_periods TO weir_app;

GRANT SELECT,INSERT ON TABLE public.billed_segments TO weir_app;

GRANT SELECT,INSERT ON TABLE public.billed_top_ups TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.billing_batches TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.billing_faults TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.billing_runs TO weir_app;

GRANT SELECT,INSERT ON TABLE public.book_check_results TO weir_app;

GRANT SELECT,INSERT ON TABLE public.book_checks TO weir_app;

GRANT SELECT,INSERT ON TABLE public.book_differences TO weir_app;

GRANT SELECT,INSERT ON TABLE public.cancelled_boosts TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.contracts TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.desired_objects TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.diagnoses TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.diagnosis_parts TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.discounts TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.dunning_cases TO weir_app;

GRANT SELECT,INSERT ON TABLE public.dunning_pauses TO weir_app;

GRANT SELECT,INSERT ON TABLE public.dunning_policies TO weir_app;

GRANT SELECT,INSERT ON TABLE public.dunning_promises TO weir_app;

GRANT SELECT,INSERT ON TABLE public.dunning_steps TO weir_app;

GRANT SELECT,INSERT ON TABLE public.plugin_settings TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.plugins TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhooks TO weir_app;

GRANT SELECT ON TABLE public.event_listeners TO weir_app;

GRANT SELECT,INSERT ON TABLE public.events TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.fair_use_standings TO weir_app;

GRANT SELECT,INSERT ON TABLE public.fair_use_thresholds TO weir_app;

GRANT SELECT,INSERT ON TABLE public.fair_use_turns TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.holds TO weir_app;

GRANT SELECT,INSERT ON TABLE public.idempotency_keys TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.import_rows TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.imports TO weir_app;

GRANT SELECT,INSERT ON TABLE public.invoice_lines TO weir_app;

GRANT SELECT,INSERT ON TABLE public.invoice_taxes TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.invoices TO weir_app;

GRANT SELECT,INSERT ON TABLE public.late_fee_waivers TO weir_app;

GRANT SELECT,INSERT ON TABLE public.late_fees TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.learned_prefixes TO weir_app;

GRANT SELECT,INSERT ON TABLE public.ledger_closings TO weir_app;

GRANT SELECT,INSERT ON TABLE public.ledger_entries TO weir_app;

GRANT SELECT,INSERT ON TABLE public.ledger_postings TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.line_probes TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.line_quality TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.subscriptions TO weir_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.unmerged_usage TO weir_app;

GRANT SELECT,INSERT ON TABLE public.usage_segments TO weir_app;

GRANT SELECT ON TABLE public.line_usage TO weir_app;

GRANT SELECT,INSERT ON TABLE public.message_attempts TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.message_settings TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.message_switches TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.message_wordings TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.messages TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.number_series TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.one_time_charges TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.orders TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.pauses TO weir_app;

GRANT SELECT,INSERT ON TABLE public.payers TO weir_app;

GRANT SELECT,INSERT ON TABLE public.payment_attempt_steps TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.payment_attempts TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.payment_methods TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.payment_providers TO weir_app;

GRANT SELECT,INSERT ON TABLE public.payments TO weir_app;

GRANT SELECT,INSERT ON TABLE public.plan_versions TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.plans TO weir_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.plugin_invocations TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.plugin_versions TO weir_app;

GRANT SELECT,INSERT ON TABLE public.pool_thresholds TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.port_blocks TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portal_links TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portal_logins TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.portal_sessions TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.portal_settings TO weir_app;

GRANT SELECT,INSERT ON TABLE public.proformas TO weir_app;

GRANT UPDATE(withdrawn_at) ON TABLE public.proformas TO weir_app;

GRANT SELECT,INSERT ON TABLE public.provider_events TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quality_hours TO weir_app;

GRANT SELECT,INSERT ON TABLE public.recognised_days TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.refunds TO weir_app;

GRANT SELECT,INSERT ON TABLE public.revenue_schedules TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.router_clocks TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.routers TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.service_locations TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sites TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.staff TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.staff_policies TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.staff_recovery_codes TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.staff_second_steps TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.subscribers TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.subscription_identities TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.subscription_prefixes TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.subscription_terms TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.support_holidays TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.support_hours TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.support_mails TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.support_plan_weights TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.support_policies TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.support_targets TO weir_app;

GRANT SELECT,INSERT ON TABLE public.suspense_items TO weir_app;

GRANT SELECT,INSERT ON TABLE public.suspense_returns TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tax_exemptions TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tax_rules TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tenants TO weir_app;

GRANT SELECT,INSERT ON TABLE public.ticket_attachments TO weir_app;

GRANT SELECT,INSERT ON TABLE public.ticket_entries TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tickets TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.top_up_products TO weir_app;

GRANT SELECT,INSERT ON TABLE public.top_ups TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.unknown_hosts TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.unknown_traffic TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.uplink_quality TO weir_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.usage_epochs TO weir_app;

GRANT SELECT,INSERT ON TABLE public.usage_gaps TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_quarantine TO weir_app;

GRANT SELECT,INSERT ON TABLE public.usage_records TO weir_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_attempts TO weir_app;

