-- Jobs that wait for somebody else's server are done aside. Whoever looks for the other kind does not read past them.
ALTER TABLE platform.jobs ADD COLUMN outward boolean NOT NULL DEFAULT false;
UPDATE platform.jobs SET outward = true
WHERE done_at IS NULL AND failed_at IS NULL AND kind IN (
    'notifications.send_message', 'payments.look_at_attempt', 'payments.look_at_refund', 'payments.look_at_subject',
    'payments.charge_account', 'payments.charge_due', 'payments.reconcile');
DROP INDEX platform.jobs_due;
CREATE INDEX jobs_due ON platform.jobs (outward, run_at) WHERE done_at IS NULL AND failed_at IS NULL;
