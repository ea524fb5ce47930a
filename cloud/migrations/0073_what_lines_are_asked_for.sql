-- Asked of every line when the list of a run is made. A function in PL/pgSQL keeps the plans of what it asks; one in SQL that
-- cannot be written into the query makes them anew.
CREATE OR REPLACE FUNCTION days_not_charged(line uuid) RETURNS datemultirange LANGUAGE plpgsql STABLE AS $$
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

CREATE OR REPLACE FUNCTION is_billed_beside_pauses(line uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
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
