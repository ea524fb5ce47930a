-- Who of a tenant's own wants to be told of which kinds of events; every kind if none is named. Where nobody does, nothing
-- is queued.
CREATE VIEW event_listeners WITH (security_invoker = true) AS
    SELECT tenant_id, 'webhooks' AS listener, kinds FROM webhooks
    UNION ALL
    SELECT p.tenant_id, 'plugins', s.events
    FROM plugins p
    JOIN plugin_settings s ON s.tenant_id = p.tenant_id AND s.plugin_id = p.id AND s.revision = p.settings_revision
    WHERE p.hook = 'handle-event' AND p.active_version_id IS NOT NULL;
GRANT SELECT ON event_listeners TO weir_app;
