-- What answers an auditor: which packages, how far it is, what its manifest hashes to.

CREATE TABLE packets (              -- holds no patient's data; the file itself is kept for an hour
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- pck_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('package', 'patient', 'rx', 'dates')),
  package_ids TEXT NOT NULL,        -- JSON array, in the order of their records
  packages INTEGER NOT NULL,        -- how many there are
  done INTEGER NOT NULL DEFAULT 0,  -- how many are in it
  state TEXT NOT NULL CHECK (state IN ('queued', 'working', 'ready', 'gone', 'failed')),
  reason TEXT,                      -- why it failed: a code of delivery/packet/model.py
  bytes INTEGER,                    -- of the file
  digest TEXT,                      -- of its manifest, as verify.py tells it
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX packets_list ON packets (tenant_id, test, seq);
CREATE INDEX packets_open ON packets (seq) WHERE state IN ('queued', 'working', 'ready');
