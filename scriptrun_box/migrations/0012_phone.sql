-- Drivers' phones: who holds one, what each told the box, and what that led to.

CREATE TABLE phone_codes (          -- what a QR code at the desk says, until somebody uses it
  digest BLOB PRIMARY KEY,          -- SHA-256 of the code
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  driver_id TEXT NOT NULL,
  made_by TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX phone_codes_driver ON phone_codes (driver_id);

CREATE TABLE phones (               -- never deleted: acts go on naming them
  id TEXT PRIMARY KEY,              -- phn_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  driver_id TEXT NOT NULL,
  name TEXT NOT NULL,               -- what it is, as far as it says so: iPhone, Android
  cookie_digest BLOB NOT NULL UNIQUE,  -- SHA-256 of the half of the credential in its cookie
  page_digest BLOB NOT NULL,        -- SHA-256 of the half that its page keeps under the PIN
  joined_at INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  heard_at INTEGER NOT NULL,        -- the last word of it
  ahead_ms INTEGER NOT NULL DEFAULT 0,  -- its clock, when it last told; negative is behind
  revoked_at INTEGER,
  revoked_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX phones_driver ON phones (driver_id, joined_at);

CREATE TABLE phone_acts (           -- what a driver did, each once, and what became of it
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- made by the phone
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  driver_id TEXT NOT NULL,
  phone_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  package_ids TEXT NOT NULL,        -- JSON array
  digest BLOB NOT NULL,             -- SHA-256 of what was told: the same id never means two things
  device_at INTEGER NOT NULL,       -- by the phone's clock
  acted_at INTEGER NOT NULL,        -- the same moment by the box's
  received_at INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('taken', 'conflict', 'refused')),
  code TEXT NOT NULL,               -- of the refusal; empty when taken
  sentence TEXT NOT NULL,
  seen_at INTEGER,                  -- somebody at the desk has looked at what did not count
  seen_by TEXT
) STRICT;
CREATE INDEX phone_acts_list ON phone_acts (tenant_id, seq);
CREATE INDEX phone_acts_odd ON phone_acts (tenant_id, seq) WHERE outcome <> 'taken';
CREATE INDEX phone_acts_unseen ON phone_acts (tenant_id, driver_id)
  WHERE outcome <> 'taken' AND seen_at IS NULL;

CREATE TABLE phone_loads (          -- what a driver took out of the pharmacy, and into the car
  package_id TEXT PRIMARY KEY,
  driver_id TEXT NOT NULL,          -- a package that is given to somebody else is loaded anew
  at INTEGER NOT NULL,
  missing INTEGER NOT NULL          -- they looked for it, and it was not there
) STRICT, WITHOUT ROWID;

CREATE TABLE phone_places (         -- where a driver was last; no trail is kept
  driver_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  lat REAL NOT NULL,
  lng REAL NOT NULL,
  accuracy_m REAL
) STRICT, WITHOUT ROWID;

CREATE TABLE phone_silences (       -- drivers the box put offline because their phones said nothing
  driver_id TEXT PRIMARY KEY,
  at INTEGER NOT NULL               -- when: if that still is their last change, a word brings them back
) STRICT, WITHOUT ROWID;
