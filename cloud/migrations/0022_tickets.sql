-- What subscribers ask and staff answer. A ticket's entries are its history: appended, never edited.

-- How soon an ISP promises to answer, and how long a solved ticket can be opened again. Without a row the defaults hold.
CREATE TABLE support_policies (
    tenant_id    uuid PRIMARY KEY REFERENCES tenants,
    reopen_days  smallint NOT NULL CONSTRAINT support_policies_reopen_is_days CHECK (reopen_days BETWEEN 0 AND 90),
    updated_at   timestamptz NOT NULL
);
SELECT isolate_by_tenant('support_policies');
SELECT never_deleted('support_policies');

CREATE TABLE support_targets (
    tenant_id              uuid NOT NULL REFERENCES support_policies,
    priority               text NOT NULL CONSTRAINT support_targets_priority_exists CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    first_response_minutes integer NOT NULL CONSTRAINT support_targets_response_is_positive CHECK (first_response_minutes > 0),
    resolution_minutes     integer NOT NULL CONSTRAINT support_targets_resolution_is_positive CHECK (resolution_minutes > 0),
    PRIMARY KEY (tenant_id, priority)
);
SELECT isolate_by_tenant('support_targets');

-- Working hours, minutes of the ISP's local day; a weekday (1 is Monday) without a row is free.
CREATE TABLE support_hours (
    tenant_id   uuid NOT NULL REFERENCES support_policies,
    weekday     smallint NOT NULL CONSTRAINT support_hours_weekday_exists CHECK (weekday BETWEEN 1 AND 7),
    opens_min   smallint NOT NULL,
    closes_min  smallint NOT NULL,
    PRIMARY KEY (tenant_id, weekday),
    CONSTRAINT support_hours_end_after_they_begin CHECK (opens_min >= 0 AND opens_min < closes_min AND closes_min <= 1440)
);
SELECT isolate_by_tenant('support_hours');

CREATE TABLE support_holidays (
    tenant_id uuid NOT NULL REFERENCES support_policies,
    on_day    date NOT NULL,
    name      text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, on_day)
);
SELECT isolate_by_tenant('support_holidays');

-- How much the subscribers of a plan depend on it; a plan without a row is standard.
CREATE TABLE support_plan_weights (
    tenant_id uuid NOT NULL REFERENCES tenants,
    plan_id   uuid NOT NULL,
    weight    text NOT NULL CONSTRAINT support_plan_weights_exist CHECK (weight IN ('standard', 'business', 'critical')),
    PRIMARY KEY (tenant_id, plan_id),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id)
);
SELECT isolate_by_tenant('support_plan_weights');

-- Where a mail server brings an ISP's e-mail. The token stands in the address it posts to and is known by its hash alone;
-- the key signs the tags of reply addresses.
CREATE TABLE platform.support_mailboxes (
    token_hash bytea PRIMARY KEY CONSTRAINT support_mailboxes_hash_is_whole CHECK (length(token_hash) = 32),
    tenant_id  uuid NOT NULL CONSTRAINT support_mailboxes_one_each UNIQUE REFERENCES platform.tenants,
    address    text NOT NULL,
    tag_key    bytea NOT NULL CONSTRAINT support_mailboxes_key_is_whole CHECK (length(tag_key) = 32),
    created_at timestamptz NOT NULL
);
SELECT share_with_platform('platform.support_mailboxes');

CREATE TABLE tickets (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    number          text NOT NULL,
    title           text NOT NULL CONSTRAINT tickets_have_a_title CHECK (btrim(title) <> ''),
    channel         text NOT NULL CONSTRAINT tickets_channel_exists CHECK (channel IN ('staff', 'portal', 'email')),
    status          text NOT NULL CONSTRAINT tickets_status_exists CHECK (status IN ('new', 'open', 'waiting', 'solved', 'closed')),
    impact          text NOT NULL CONSTRAINT tickets_impact_exists CHECK (impact IN ('question', 'one_line', 'several_lines', 'site')),
    priority        text NOT NULL CONSTRAINT tickets_priority_exists CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    subscriber_id   uuid,
    account_id      uuid,
    subscription_id uuid,
    router_id       uuid,
    invoice_id      uuid,
    assignee_id     uuid,
    opened_by       text NOT NULL,
    opened_at       timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    -- When it was last solved; a reply opens it again for some days from then.
    solved_at       timestamptz,
    closed_at       timestamptz,
    -- The ticket this one turned out to be the same as.
    merged_into     uuid,
    -- A promise runs (due), stands still (left, seconds of working time), is kept (answered, solved) or was missed.
    response_target_minutes   integer NOT NULL,
    response_due_at           timestamptz,
    response_left_s           bigint,
    response_at               timestamptz,
    response_missed_at        timestamptz,
    resolution_target_minutes integer NOT NULL,
    resolution_due_at         timestamptz,
    resolution_left_s         bigint,
    resolution_missed_at      timestamptz,
    -- The promise that ends next; the queue's order.
    next_due_at     timestamptz NOT NULL GENERATED ALWAYS AS (
        least(coalesce(response_due_at, 'infinity'), coalesce(resolution_due_at, 'infinity'))) STORED,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT tickets_number_unique UNIQUE (tenant_id, number),
    CONSTRAINT tickets_are_about_somebody_or_a_router CHECK (subscriber_id IS NOT NULL OR router_id IS NOT NULL),
    CONSTRAINT tickets_response_runs_or_stands CHECK (response_due_at IS NULL OR response_left_s IS NULL),
    CONSTRAINT tickets_resolution_runs_or_stands CHECK (resolution_due_at IS NULL OR resolution_left_s IS NULL),
    CONSTRAINT tickets_do_not_merge_into_themselves CHECK (merged_into <> id),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, assignee_id) REFERENCES staff (tenant_id, id),
    FOREIGN KEY (tenant_id, merged_into) REFERENCES tickets (tenant_id, id)
);
CREATE INDEX tickets_in_order ON tickets (tenant_id, next_due_at, id DESC);
CREATE INDEX tickets_by_subscriber ON tickets (tenant_id, subscriber_id, id DESC) WHERE subscriber_id IS NOT NULL;
CREATE INDEX tickets_by_router ON tickets (tenant_id, router_id) WHERE router_id IS NOT NULL;
CREATE INDEX tickets_by_status ON tickets (tenant_id, status, solved_at);
SELECT isolate_by_tenant('tickets');
SELECT never_deleted('tickets');

CREATE TABLE ticket_entries (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    ticket_id  uuid NOT NULL,
    position   integer NOT NULL,
    kind       text NOT NULL CONSTRAINT ticket_entries_kind_exists CHECK (kind IN ('reply', 'note', 'change')),
    -- Who wrote it: staff, the subscriber, or what works by itself.
    side       text NOT NULL CONSTRAINT ticket_entries_side_exists CHECK (side IN ('staff', 'subscriber', 'system')),
    author     text NOT NULL,
    -- As it was then.
    author_name text NOT NULL DEFAULT '',
    channel    text NOT NULL CONSTRAINT ticket_entries_channel_exists CHECK (channel IN ('staff', 'portal', 'email')),
    body       text NOT NULL DEFAULT '',
    -- What an e-mail repeated of those before it.
    quoted     text NOT NULL DEFAULT '',
    -- What changed, from and to, by field.
    change     jsonb NOT NULL DEFAULT '{}',
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT ticket_entries_say_something CHECK ((kind = 'change') = (change <> '{}') AND (kind = 'change' OR btrim(body) <> '')),
    CONSTRAINT ticket_entries_follow_each_other UNIQUE (tenant_id, ticket_id, position),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id)
);
SELECT isolate_by_tenant('ticket_entries');
SELECT append_only('ticket_entries');

CREATE TABLE ticket_attachments (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    entry_id   uuid NOT NULL,
    name       text NOT NULL,
    -- Decided by the content, whatever the name said.
    media_type text NOT NULL CONSTRAINT ticket_attachments_type_is_harmless
               CHECK (media_type IN ('application/pdf', 'image/png', 'image/jpeg', 'image/webp', 'text/plain')),
    content    bytea NOT NULL CONSTRAINT ticket_attachments_size_is_limited CHECK (length(content) BETWEEN 1 AND 10485760),
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, entry_id) REFERENCES ticket_entries (tenant_id, id)
);
CREATE INDEX ticket_attachments_by_entry ON ticket_attachments (tenant_id, entry_id);
SELECT isolate_by_tenant('ticket_attachments');
SELECT append_only('ticket_attachments');

-- Every e-mail that came, once by its Message-ID, and what became of it. The message itself is kept only while somebody
-- has to look at it.
CREATE TABLE support_mails (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    message_id  text NOT NULL,
    sender      text NOT NULL,
    sender_name text NOT NULL DEFAULT '',
    subject     text NOT NULL DEFAULT '',
    body        text NOT NULL DEFAULT '',
    state       text NOT NULL CONSTRAINT support_mails_state_exists CHECK (state IN ('taken', 'unmatched', 'ignored', 'discarded')),
    reason      text NOT NULL DEFAULT '',
    ticket_id   uuid,
    raw         bytea,
    received_at timestamptz NOT NULL,
    settled_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT support_mails_come_once UNIQUE (tenant_id, message_id),
    CONSTRAINT support_mails_are_kept_while_unmatched CHECK ((state = 'unmatched') = (raw IS NOT NULL)),
    CONSTRAINT support_mails_taken_have_a_ticket CHECK (state <> 'taken' OR ticket_id IS NOT NULL),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id)
);
CREATE INDEX support_mails_unmatched ON support_mails (tenant_id, id DESC) WHERE state = 'unmatched';
SELECT isolate_by_tenant('support_mails');
SELECT never_deleted('support_mails');
