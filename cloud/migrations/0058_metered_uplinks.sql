-- Routers whose way to the cloud is paid for by the byte: their agents say less, and less often.
ALTER TABLE routers ADD COLUMN metered boolean NOT NULL DEFAULT false;
