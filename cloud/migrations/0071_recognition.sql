-- Revenue that is billed for days to come is earned as they pass, where the ISP says so.
ALTER TABLE tenants
    ADD COLUMN recognition text NOT NULL DEFAULT 'on_issue'
        CONSTRAINT tenants_recognition_exists CHECK (recognition IN ('on_issue', 'over_period')),
    -- Since when there may be deferred revenue: whoever never defers is not asked for any.
    ADD COLUMN deferring_since timestamptz;

-- What of an invoice line is still to be earned, and over which days. Revision 1 is written with the line; each thing given
-- back of it writes the next, which says what is left from its day on. Before that day the one before it holds.
CREATE TABLE revenue_schedules (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    line_id     uuid NOT NULL,
    revision    integer NOT NULL CONSTRAINT revenue_schedules_are_counted CHECK (revision > 0),
    -- The first day this revision holds for.
    since       date NOT NULL,
    from_day    date NOT NULL,
    through_day date NOT NULL,
    currency    char(3) NOT NULL,
    -- What these days earn together; nothing, where nothing is left.
    amount      numeric(18,4) NOT NULL,
    made_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, line_id, revision, from_day),
    CONSTRAINT revenue_schedules_are_of_days_to_come CHECK (since <= from_day AND from_day <= through_day),
    FOREIGN KEY (tenant_id, line_id) REFERENCES invoice_lines (tenant_id, id)
);
CREATE INDEX revenue_schedules_by_end ON revenue_schedules (tenant_id, through_day);
SELECT isolate_by_tenant('revenue_schedules');
SELECT append_only('revenue_schedules');

-- The days whose revenue is earned; each is the source of one entry of the ledger, or of none where it earned nothing.
CREATE TABLE recognised_days (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    id            uuid NOT NULL,
    day           date NOT NULL,
    recognised_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT recognised_days_once UNIQUE (tenant_id, day)
);
SELECT isolate_by_tenant('recognised_days');
SELECT append_only('recognised_days');
