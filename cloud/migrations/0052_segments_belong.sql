-- Whether a segment belongs to a record is asked once for all segments of a statement. Three questions a row, as foreign keys
-- ask them, took more time than everything else about a record together. Its line is looked up by the very statement that
-- writes it, and neither records nor lines are ever deleted.
-- In the order in which records are taken in.
LOCK TABLE tenants, subscriptions, usage_records, usage_segments IN ACCESS EXCLUSIVE MODE;
ALTER TABLE usage_segments
    DROP CONSTRAINT usage_segments_tenant_id_fkey,
    DROP CONSTRAINT usage_segments_tenant_id_agent_id_epoch_seq_fkey,
    DROP CONSTRAINT usage_segments_tenant_id_subscription_id_fkey;
CREATE FUNCTION usage_segments_belong_to_a_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, agent_id, epoch, seq FROM added) a
               WHERE NOT EXISTS (SELECT FROM usage_records r
                                 WHERE r.tenant_id = a.tenant_id AND r.agent_id = a.agent_id AND r.epoch = a.epoch AND r.seq = a.seq))
    THEN
        RAISE foreign_key_violation USING MESSAGE = 'a segment belongs to no record', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER usage_segments_belong AFTER INSERT ON usage_segments
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION usage_segments_belong_to_a_record();
