-- People who drive: who they are, what they may carry, whether they are on shift and online.

CREATE TABLE drivers (              -- never deleted: packages, proofs and events go on naming them
  seq INTEGER PRIMARY KEY,          -- order of arrival; lists are keyed on it
  id TEXT NOT NULL UNIQUE,          -- drv_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL REFERENCES locations (id),  -- home: where they start from
  name TEXT NOT NULL,
  phone TEXT,                       -- E.164
  employment TEXT NOT NULL CHECK (employment IN ('employee', 'contractor', 'agency', 'volunteer')),
  vehicle TEXT,
  capacity INTEGER,                 -- packages that go in at once; null is not known
  capabilities TEXT NOT NULL,       -- JSON array: cold_chain, controlled, card_reader
  found_by TEXT NOT NULL,           -- name, phone and vehicle as a search field compares them
  shift_started_at INTEGER,         -- null: not on shift
  online INTEGER NOT NULL DEFAULT 0,
  status_changed_at INTEGER,        -- the last change of shift or online
  left_at INTEGER,                  -- no longer drives; may come back
  version INTEGER NOT NULL,         -- counts changes: who writes says which one they saw
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK (online = 0 OR shift_started_at IS NOT NULL),
  CHECK (left_at IS NULL OR shift_started_at IS NULL)
) STRICT;
CREATE INDEX drivers_list ON drivers (tenant_id, test, seq);

-- What a driver has right now, among everything they ever had.
CREATE INDEX packages_carried ON packages (driver_id, status)
  WHERE driver_id IS NOT NULL AND status IN ('assigned', 'out_for_delivery');
