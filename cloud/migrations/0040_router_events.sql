-- What routers wanted people to know is read by its router, newest first, and forgotten after a while: it is no record of money.
GRANT DELETE ON agent_events TO weir_app;
CREATE INDEX agent_events_by_arrival ON agent_events (tenant_id, agent_id, received_at, id);

-- What routers refuse is a handful among all they hold.
CREATE INDEX applied_objects_refused ON applied_objects (tenant_id, agent_id, object_id)
    WHERE status IN ('failed', 'rejected', 'unsupported');
