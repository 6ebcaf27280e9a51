-- What dispatchers do beyond giving packages to drivers.

ALTER TABLE packages ADD COLUMN recalled_at INTEGER;      -- it is out, and is to come back undelivered
