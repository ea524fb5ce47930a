-- How an ISP writes to people: through which mail server, through which gateway for short messages. Secrets are sealed.
CREATE TABLE message_settings (
    tenant_id       uuid PRIMARY KEY REFERENCES tenants,
    smtp_host       text NOT NULL DEFAULT '',
    smtp_port       integer NOT NULL DEFAULT 587 CONSTRAINT message_settings_port_is_one CHECK (smtp_port BETWEEN 1 AND 65535),
    smtp_security   text NOT NULL DEFAULT 'starttls' CONSTRAINT message_settings_security_exists CHECK (smtp_security IN ('none', 'starttls', 'tls')),
    smtp_authority  text NOT NULL DEFAULT '',
    smtp_user       text NOT NULL DEFAULT '',
    smtp_password   bytea,
    from_name       text NOT NULL DEFAULT '',
    from_address    text NOT NULL DEFAULT '',
    reply_to        text NOT NULL DEFAULT '',
    sms_url         text NOT NULL DEFAULT '',
    sms_method      text NOT NULL DEFAULT 'POST' CONSTRAINT message_settings_method_exists CHECK (sms_method IN ('GET', 'POST', 'PUT')),
    sms_type        text NOT NULL DEFAULT 'json' CONSTRAINT message_settings_type_exists CHECK (sms_type IN ('json', 'form', 'plain')),
    sms_body        text NOT NULL DEFAULT '',
    sms_header      text NOT NULL DEFAULT '',
    sms_credential  bytea,
    updated_at      timestamptz NOT NULL
);
SELECT isolate_by_tenant('message_settings');
SELECT never_deleted('message_settings');

-- Which of the built-in messages an ISP sends, and by what. Without a row: by e-mail.
CREATE TABLE message_switches (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    template   text NOT NULL,
    email      boolean NOT NULL,
    sms        boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, template)
);
SELECT isolate_by_tenant('message_switches');

-- An ISP's own words in place of the built-in ones.
CREATE TABLE message_wordings (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    template   text NOT NULL,
    language   text NOT NULL,
    subject    text NOT NULL DEFAULT '' CONSTRAINT message_wordings_subject_is_one_line CHECK (subject !~ '[\r\n]'),
    intro      text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, template, language)
);
SELECT isolate_by_tenant('message_wordings');

-- What was written to whom. Written with its cause, sent later by a job; what it says never changes.
CREATE TABLE messages (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    id            uuid NOT NULL,
    subscriber_id uuid,
    account_id    uuid,
    -- What it is about, such as an event; one message a cause, template, channel and recipient.
    cause         uuid NOT NULL,
    template      text NOT NULL,
    channel       text NOT NULL CONSTRAINT messages_channel_exists CHECK (channel IN ('email', 'sms')),
    recipient     text NOT NULL CONSTRAINT messages_have_a_recipient CHECK (recipient <> ''),
    language      text NOT NULL,
    subject       text NOT NULL CONSTRAINT messages_subject_is_one_line CHECK (subject !~ '[\r\n]'),
    text          text NOT NULL,
    html          text NOT NULL,
    -- Where answers go, where not to the ISP's usual address.
    reply_to      text NOT NULL DEFAULT '' CONSTRAINT messages_reply_to_is_one_line CHECK (reply_to !~ '[\r\n]'),
    -- The invoice that goes along as a PDF.
    invoice_id    uuid,
    -- A link that opens something: sealed, and gone once sent.
    link          bytea,
    again_of      uuid,
    status        text NOT NULL CONSTRAINT messages_status_exists CHECK (status IN ('queued', 'sent', 'refused', 'failed')),
    attempts      integer NOT NULL DEFAULT 0,
    answer        text NOT NULL DEFAULT '',
    next_at       timestamptz,
    created_at    timestamptz NOT NULL,
    settled_at    timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT messages_once_per_cause UNIQUE (tenant_id, cause, template, channel, recipient),
    CONSTRAINT messages_wait_or_are_settled CHECK ((status = 'queued') = (settled_at IS NULL) AND (status = 'queued') = (next_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, again_of) REFERENCES messages (tenant_id, id)
);
CREATE INDEX messages_by_subscriber ON messages (tenant_id, subscriber_id, id);
CREATE INDEX messages_by_account ON messages (tenant_id, account_id, id);
CREATE INDEX messages_by_status ON messages (tenant_id, status, id);
SELECT isolate_by_tenant('messages');
SELECT never_deleted('messages');

-- Every time a message was given to a server, and what it answered.
CREATE TABLE message_attempts (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    message_id uuid NOT NULL,
    number     integer NOT NULL CONSTRAINT message_attempts_count_from_one CHECK (number > 0),
    at         timestamptz NOT NULL,
    outcome    text NOT NULL CONSTRAINT message_attempts_outcome_exists CHECK (outcome IN ('sent', 'refused', 'deferred', 'failed')),
    answer     text NOT NULL,
    PRIMARY KEY (tenant_id, message_id, number),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id)
);
SELECT isolate_by_tenant('message_attempts');
SELECT append_only('message_attempts');
