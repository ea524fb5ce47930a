-- Prices that include tax: a version of a plan says whether its prices do, and the ISP what new versions begin with.
ALTER TABLE tenants ADD COLUMN tax_included boolean NOT NULL DEFAULT false;
ALTER TABLE plan_versions ADD COLUMN tax_included boolean NOT NULL DEFAULT false;

-- What a line asks for with tax, where its price includes it; unit price and discounts do then, too. Its net is what is left
-- without tax.
ALTER TABLE invoice_lines
    ADD COLUMN gross numeric(18,4),
    ADD CONSTRAINT invoice_lines_tax_is_inside_the_gross CHECK (abs(net) <= abs(gross)),
    ADD CONSTRAINT invoice_lines_late_fees_include_no_tax CHECK (gross IS NULL OR kind <> 'late_fee');

-- What of a price is before tax, for figures that are: by a percent of tax, where it includes any.
CREATE FUNCTION before_tax(price numeric, included boolean, percent numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN included THEN price * 100 / (100 + percent) ELSE price END
$$;

-- The percent of tax in the ISP's own country on a day: all of its taxes, each on the net or with those before it.
CREATE FUNCTION home_tax_percent(seen_at timestamptz) RETURNS numeric LANGUAGE plpgsql STABLE AS $$
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
