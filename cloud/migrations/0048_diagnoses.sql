-- What is wrong on that router: questions people ask of it, and what it answered bit by bit. Packets of a line are forgotten after
-- a day, everything else after two weeks.
CREATE TABLE diagnoses (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    router_id       uuid NOT NULL,
    -- Who is asked; none where the router has no agent.
    agent_id        uuid,
    -- The line it is about, if it is about one.
    subscription_id uuid,
    tool            text NOT NULL CONSTRAINT diagnoses_tool_exists CHECK (tool IN
                    ('ping', 'traceroute', 'dns', 'shaper', 'log', 'talkers', 'capture')),
    -- The host or the name, and the name server; empty where there is none.
    target          text NOT NULL DEFAULT '',
    server          text NOT NULL DEFAULT '',
    -- Why packets are looked at.
    reason          text NOT NULL DEFAULT '',
    -- How long is looked, how many packets are sent or taken, and how many bytes are kept of each.
    seconds         integer NOT NULL,
    packets         integer NOT NULL,
    snap_bytes      integer NOT NULL DEFAULT 0,
    asked_at        timestamptz NOT NULL,
    asked_by        text NOT NULL,
    -- When a gateway passed it on.
    sent_at         timestamptz,
    -- A gateway has something to pass on: the question, or that nobody wants to know any more.
    waits           boolean NOT NULL,
    state           text NOT NULL CONSTRAINT diagnoses_state_exists CHECK (state IN
                    ('asked', 'running', 'away', 'too_old', 'refused', 'cancelled', 'unknown', 'done')),
    ended_at        timestamptz,
    detail          text NOT NULL DEFAULT '',
    -- Whether a limit ended it.
    cut_short       boolean NOT NULL DEFAULT false,
    -- How many parts the router said there are, once it is over.
    parts           integer,
    -- Bytes of the parts that came.
    bytes           integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT diagnoses_end_with_an_outcome CHECK ((state IN ('asked', 'running')) = (ended_at IS NULL)),
    CONSTRAINT diagnoses_of_packets_have_a_line_and_a_reason CHECK
        (tool <> 'capture' OR (subscription_id IS NOT NULL AND reason <> '')),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
SELECT isolate_by_tenant('diagnoses');
CREATE INDEX diagnoses_of_a_router ON diagnoses (tenant_id, router_id, id);
CREATE INDEX diagnoses_by_time ON diagnoses (tenant_id, asked_at);
CREATE INDEX diagnoses_waiting ON diagnoses (tenant_id, agent_id) WHERE waits;

-- A piece of what was found, in the order it was said.
CREATE TABLE diagnosis_parts (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    diagnosis_id uuid NOT NULL,
    number       integer NOT NULL,
    data         bytea NOT NULL,
    PRIMARY KEY (tenant_id, diagnosis_id, number),
    FOREIGN KEY (tenant_id, diagnosis_id) REFERENCES diagnoses (tenant_id, id) ON DELETE CASCADE
);
SELECT isolate_by_tenant('diagnosis_parts');
