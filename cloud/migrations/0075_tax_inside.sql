-- Prices that include tax: a version of a plan says whether its prices do, and the ISP what new versions begin with.
ALTER TABLE tenants ADD COLUMN tax_included boolean NOT NULL DEFAULT false;
ALTER TABLE plan_versions ADD COLUMN tax_included boolean NOT NULL DEFAULT false;

-- What a line asks for with tax, where its price includes it; unit price and discounts do then, too. Its net is what is left
-- without tax.
ALTER TABLE invoice_lines
    ADD COLUMN gross numeric(18,4),
    ADD CONSTRAINT invoice_lines_tax_is_inside_the_gross CHECK (abs(net) <= abs(gross)),
    ADD CONSTRAINT invoice_lines_late_fees_include_no_tax CHECK (gross IS NULL OR kind <> 'late_fee');
