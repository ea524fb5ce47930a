-- Whoever read the mail at an address is not who reads it at the next one: sessions, links that were not used, and the
-- password end with the address they were made through, whoever changes it.
CREATE FUNCTION portal_follows_email() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    -- In the order in which a password is set, so that the two wait for each other.
    DELETE FROM portal_links WHERE tenant_id = NEW.tenant_id AND subscriber_id = NEW.id AND used_at IS NULL;
    UPDATE portal_logins SET password_hash = NULL, password_set_at = NULL
    WHERE tenant_id = NEW.tenant_id AND subscriber_id = NEW.id AND password_hash IS NOT NULL;
    DELETE FROM portal_sessions WHERE tenant_id = NEW.tenant_id AND subscriber_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER subscribers_portal_follows_email AFTER UPDATE OF email ON subscribers FOR EACH ROW
    WHEN (lower(btrim(OLD.email)) IS DISTINCT FROM lower(btrim(NEW.email)))
    EXECUTE FUNCTION portal_follows_email();
