-- A segment is one line's share of all records of an hour that count alike, instead of one of each record: a twelfth of the
-- rows. What a record's lines moved waits in one row until then; the records themselves stay as they came.
CREATE TABLE unmerged_usage (
    tenant_id            uuid NOT NULL REFERENCES tenants,
    agent_id             uuid NOT NULL,
    epoch                bytea NOT NULL,
    seq                  bigint NOT NULL,
    start_at             timestamptz NOT NULL,
    end_at               timestamptz NOT NULL,
    -- The n-th element of each is the n-th line's; what was not measured of all of them is NULL.
    handles              integer[] NOT NULL,
    down_bytes           bigint[] NOT NULL,
    up_bytes             bigint[] NOT NULL,
    down_packets         bigint[] NOT NULL,
    up_packets           bigint[] NOT NULL,
    down_v6_bytes        bigint[],
    up_v6_bytes          bigint[],
    down_dropped_packets bigint[],
    up_dropped_packets   bigint[],
    PRIMARY KEY (tenant_id, agent_id, epoch, seq),
    FOREIGN KEY (tenant_id, agent_id, epoch, seq) REFERENCES usage_records (tenant_id, agent_id, epoch, seq)
);
SELECT isolate_by_tenant('unmerged_usage');
REVOKE UPDATE, TRUNCATE ON unmerged_usage FROM weir_app;

-- `seq` is the last record a segment is a share of.
ALTER TABLE usage_segments ADD COLUMN first_seq bigint;
COMMENT ON COLUMN usage_segments.first_seq IS 'The first record it is a share of; NULL: the one it is named after.';

-- What every line moved: its segments, and its share of every record that waits to be merged. For questions about a few lines:
-- all of a record is looked through for each.
CREATE VIEW line_usage WITH (security_invoker = true) AS
    SELECT tenant_id, agent_id, epoch, seq, handle, subscription_id, start_at, end_at, down_bytes, up_bytes, down_packets, up_packets,
           down_v6_bytes, up_v6_bytes, down_dropped_packets, up_dropped_packets
    FROM usage_segments
    UNION ALL
    SELECT u.tenant_id, u.agent_id, u.epoch, u.seq, l.handle, s.id, u.start_at, u.end_at, l.down_bytes, l.up_bytes, l.down_packets, l.up_packets,
           l.down_v6_bytes, l.up_v6_bytes, l.down_dropped_packets, l.up_dropped_packets
    FROM unmerged_usage u
    JOIN agents a ON a.tenant_id = u.tenant_id AND a.id = u.agent_id
    CROSS JOIN LATERAL unnest(u.handles, u.down_bytes, u.up_bytes, u.down_packets, u.up_packets,
                              u.down_v6_bytes, u.up_v6_bytes, u.down_dropped_packets, u.up_dropped_packets)
        AS l (handle, down_bytes, up_bytes, down_packets, up_packets, down_v6_bytes, up_v6_bytes, down_dropped_packets, up_dropped_packets)
    LEFT JOIN subscriptions s ON s.tenant_id = u.tenant_id AND s.router_id = a.router_id AND s.handle = l.handle;
GRANT SELECT ON line_usage TO weir_app;
