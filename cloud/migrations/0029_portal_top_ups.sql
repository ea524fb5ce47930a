-- Whether subscribers buy top-ups by themselves.
ALTER TABLE portal_settings ADD COLUMN top_ups boolean NOT NULL DEFAULT false;
