-- Every night the books are checked against the documents they are of. A check is kept whole: what was asked, of how many
-- things, and what did not agree.
CREATE TABLE book_checks (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    -- The ISP's local day.
    checked_on  date NOT NULL,
    checked_at  timestamptz NOT NULL,
    checked_by  text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX book_checks_by_day ON book_checks (tenant_id, checked_on);
SELECT isolate_by_tenant('book_checks');
SELECT append_only('book_checks');

CREATE TABLE book_check_results (
    tenant_id uuid NOT NULL REFERENCES tenants,
    check_id  uuid NOT NULL,
    question  text NOT NULL,
    looked_at bigint NOT NULL,
    differ    bigint NOT NULL CONSTRAINT book_check_results_are_not_negative CHECK (differ >= 0 AND looked_at >= 0),
    PRIMARY KEY (tenant_id, check_id, question),
    FOREIGN KEY (tenant_id, check_id) REFERENCES book_checks (tenant_id, id)
);
SELECT isolate_by_tenant('book_check_results');
SELECT append_only('book_check_results');

-- The first of what does not agree.
CREATE TABLE book_differences (
    tenant_id uuid NOT NULL REFERENCES tenants,
    check_id  uuid NOT NULL,
    question  text NOT NULL,
    position  integer NOT NULL,
    -- The id of the thing, or what it is called.
    subject   text NOT NULL,
    expected  text NOT NULL,
    found     text NOT NULL,
    PRIMARY KEY (tenant_id, check_id, question, position),
    FOREIGN KEY (tenant_id, check_id, question) REFERENCES book_check_results (tenant_id, check_id, question)
);
SELECT isolate_by_tenant('book_differences');
SELECT append_only('book_differences');

-- Through which day the books are closed: the newest row says it, NULL that nothing is. Closing and reopening are rows.
CREATE TABLE ledger_closings (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    through    date,
    reason     text NOT NULL CONSTRAINT ledger_closings_have_a_reason CHECK (btrim(reason) <> ''),
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
SELECT isolate_by_tenant('ledger_closings');
SELECT append_only('ledger_closings');

CREATE FUNCTION books_closed_through(tenant uuid) RETURNS date
    LANGUAGE sql STABLE AS
$$ SELECT through FROM ledger_closings WHERE tenant_id = tenant ORDER BY id DESC LIMIT 1 $$;

-- Nothing is posted to a day that is closed. Whoever closes waits for those who post, and they see what was closed.
CREATE FUNCTION ledger_entries_are_of_open_days() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('books ' || tenant_id, 0)) FROM (SELECT DISTINCT tenant_id FROM added) AS whose;
    IF EXISTS (SELECT FROM added WHERE posted_on <= books_closed_through(tenant_id)) THEN
        RAISE EXCEPTION 'the books are closed on the day of an entry'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_are_of_open_days';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_are_of_open_days AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_are_of_open_days();
