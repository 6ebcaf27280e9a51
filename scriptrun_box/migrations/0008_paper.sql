-- Label printers on the local network, what they are sent, and the phone number on a label.

ALTER TABLE locations ADD COLUMN phone TEXT NOT NULL DEFAULT '';  -- as people write it

CREATE TABLE printers (
  id TEXT PRIMARY KEY,              -- prn_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  host TEXT NOT NULL,               -- an address or a name; vetted again before each connection
  port INTEGER NOT NULL,
  dpi INTEGER NOT NULL CHECK (dpi IN (203, 300)),
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  removed_at INTEGER                -- jobs go on naming it
) STRICT, WITHOUT ROWID;
CREATE INDEX printers_tenant ON printers (tenant_id, created_at);

CREATE TABLE print_jobs (           -- holds no patient's data: a label is drawn when it is sent
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- prj_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  printer_id TEXT NOT NULL REFERENCES printers (id),
  kind TEXT NOT NULL CHECK (kind IN ('labels', 'test')),
  package_ids TEXT NOT NULL,        -- JSON array, in the order of their labels
  labels INTEGER NOT NULL,          -- how many there are
  sent INTEGER NOT NULL DEFAULT 0,  -- how many the printer took
  state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'done', 'failed', 'cancelled')),
  reason TEXT,                      -- why it failed: a code of paper/model.py
  attempts INTEGER NOT NULL DEFAULT 0,
  queued_at INTEGER NOT NULL,       -- the last time somebody wanted it
  started_at INTEGER,
  finished_at INTEGER,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT;
CREATE INDEX print_jobs_list ON print_jobs (tenant_id, test, seq);
CREATE INDEX print_jobs_open ON print_jobs (seq) WHERE state IN ('queued', 'sending');
