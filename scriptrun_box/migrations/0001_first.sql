-- The whole first schema, floor by floor. Times are unix milliseconds (…_at), money is cents, flags are 0 or 1.
-- Every row of a tenant's business carries tenant_id and test: test = 1 is the sandbox, which never mixes with live data.

-- kernel ------------------------------------------------------------------------------------------

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (               -- the outbox: what happened, in the exact bytes every receiver gets
  seq INTEGER PRIMARY KEY,
  feed_seq INTEGER NOT NULL,        -- 1, 2, 3, … within the tenant's live side or sandbox, no gap
  id TEXT NOT NULL,                 -- evt_…, unique by construction (time and 74 random bits)
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  event TEXT NOT NULL,
  subject_id TEXT,                  -- the package, route or driver it is about
  created_at INTEGER NOT NULL,
  body BLOB,                        -- null once pruned: then its SHA-256 and size stand beside it
  body_hash BLOB,
  body_size INTEGER
) STRICT;
CREATE UNIQUE INDEX events_feed ON events (tenant_id, test, feed_seq);

CREATE TABLE cursors (              -- how far each consumer of the outbox has read
  consumer TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (                -- who did what, when; each row's hash covers the row before it
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  tenant_id TEXT,
  actor TEXT NOT NULL,              -- user:…, key:…, cli, box
  act TEXT NOT NULL,
  subject TEXT,
  detail TEXT NOT NULL,             -- JSON, never a patient's data
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_tenant ON audit (tenant_id, seq);
CREATE INDEX audit_subject ON audit (subject, seq) WHERE subject IS NOT NULL;

CREATE TABLE texts (                -- pages an owner may word: security, baa, terms
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (              -- what somebody should look at, for as long as it is so; the audit keeps that it was
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  subject TEXT NOT NULL,            -- the id of what it is about
  kind TEXT NOT NULL,
  step INTEGER NOT NULL,            -- how far it has gone: a later one takes the place of an earlier one
  words TEXT NOT NULL,              -- one sentence for a person, never a patient's data
  raised_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, test, subject, kind)
) STRICT, WITHOUT ROWID;

-- accounts ----------------------------------------------------------------------------------------

CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('pharmacy', 'dispatch')),
  plan TEXT NOT NULL,
  overage INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE locations (
  id TEXT PRIMARY KEY,              -- a uuid: what callers send as pharmacy_id
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  address TEXT NOT NULL DEFAULT '',
  time_zone TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX locations_tenant ON locations (tenant_id, created_at);

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  email TEXT NOT NULL UNIQUE,       -- folded to lower case
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'dispatcher', 'pharmacist', 'driver')),
  password TEXT,                    -- scrypt, null until the person has set one
  failures INTEGER NOT NULL DEFAULT 0,
  failed_at INTEGER,
  created_at INTEGER NOT NULL,
  last_sign_in_at INTEGER,
  disabled_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX users_tenant ON users (tenant_id, created_at);

CREATE TABLE sessions (             -- signed-in people; the cookie holds the token, the file only its SHA-256
  digest BLOB PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  csrf TEXT NOT NULL,
  test INTEGER NOT NULL DEFAULT 0,  -- the person is looking at the sandbox
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  device TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE one_time_links (       -- set-up of the box (user_id null) and setting a password
  digest BLOB PRIMARY KEY,
  user_id TEXT REFERENCES users (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,      -- SHA-256 of the key; the key itself is never stored
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  location_id TEXT REFERENCES locations (id),
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,             -- what people recognise it by: sk_live_ and the next 4 characters
  test INTEGER NOT NULL,
  scopes TEXT,                      -- JSON array, null for all
  networks TEXT,                    -- JSON array of CIDRs, null for any source
  ingest_per_minute INTEGER,        -- null: the box's setting
  orders_per_hour INTEGER,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER,
  revoked_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, created_at);

CREATE TABLE usage_months (         -- accepted orders against the plan; the sandbox does not count
  tenant_id TEXT NOT NULL,
  month TEXT NOT NULL,              -- YYYY-MM in UTC
  orders INTEGER NOT NULL,
  overage INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, month)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_minutes (        -- accepted orders per key and minute: the hour's limit survives a restart
  key_id TEXT NOT NULL,
  minute INTEGER NOT NULL,          -- unix time / 60
  orders INTEGER NOT NULL,
  PRIMARY KEY (key_id, minute)
) STRICT, WITHOUT ROWID;

-- packages ----------------------------------------------------------------------------------------

CREATE TABLE packages (
  seq INTEGER PRIMARY KEY,          -- arrival order; lists are keyed on it
  id TEXT NOT NULL UNIQUE,          -- 32 hex digits
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL,
  status TEXT NOT NULL,
  patient_name TEXT NOT NULL,
  patient_address TEXT NOT NULL,
  patient_phone TEXT,
  rx_number TEXT,
  medications TEXT,                 -- JSON array
  copay_cents INTEGER,              -- null is unknown, 0 is none due
  priority TEXT NOT NULL,
  delivery_date TEXT NOT NULL,      -- YYYY-MM-DD at the location
  requires_signature INTEGER NOT NULL,
  cold_chain INTEGER NOT NULL,
  controlled_substance INTEGER NOT NULL,
  dea_schedule TEXT,
  external_patient_id TEXT,
  notes TEXT,
  notes_withheld INTEGER NOT NULL,  -- the notes name the Rx or a drug: the driver does not get them
  barcode TEXT,
  fill_number TEXT,
  fill_date TEXT,
  deliver_after TEXT,               -- HH:MM at the location
  deliver_by TEXT,
  address_incomplete INTEGER NOT NULL,
  name_key TEXT NOT NULL,           -- the name folded, to find possible duplicates
  duplicate_of TEXT,                -- until someone at the desk says both or one
  source TEXT NOT NULL,             -- api, csv, manual, folder, recurring, shopify, label
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  driver_id TEXT,
  packed_at INTEGER,                -- facts the gates before leaving look at
  released_at INTEGER,
  handed_over_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  delivered_at INTEGER,
  failure_reason TEXT,
  failure_note TEXT,
  copay_collected_cents INTEGER,
  copay_method TEXT
) STRICT;
CREATE INDEX packages_list ON packages (tenant_id, test, seq);
CREATE INDEX packages_status ON packages (tenant_id, test, status, seq);
CREATE INDEX packages_date ON packages (tenant_id, test, delivery_date, seq);
CREATE INDEX packages_changed ON packages (tenant_id, test, updated_at, seq);
CREATE INDEX packages_rx ON packages (tenant_id, rx_number, delivery_date, name_key)
  WHERE rx_number IS NOT NULL;
CREATE INDEX packages_barcode ON packages (tenant_id, barcode) WHERE barcode IS NOT NULL;
CREATE INDEX packages_patient ON packages (tenant_id, external_patient_id) WHERE external_patient_id IS NOT NULL;
-- What somebody looks for among years of others: each holds only the rows it is about.
CREATE INDEX packages_stat ON packages (tenant_id, test, seq) WHERE priority = 'stat';
CREATE INDEX packages_urgent ON packages (tenant_id, test, seq) WHERE priority = 'urgent';
CREATE INDEX packages_controlled ON packages (tenant_id, test, seq) WHERE controlled_substance = 1;
CREATE INDEX packages_cold ON packages (tenant_id, test, seq) WHERE cold_chain = 1;
CREATE INDEX packages_source ON packages (tenant_id, test, source, seq) WHERE source != 'api';
CREATE INDEX packages_driver ON packages (driver_id, seq) WHERE driver_id IS NOT NULL;
CREATE INDEX packages_without_rx ON packages (tenant_id, test, delivery_date, name_key)
  WHERE rx_number IS NULL AND status IN ('created', 'assigned');

CREATE VIRTUAL TABLE package_search USING fts5 (  -- words of a package as the counter types them; rowid = packages.seq
  words, content = '', contentless_delete = 1, detail = none, prefix = '1 2',
  tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE package_moves (        -- every change of a package after it was created: who, when, from what to what
  seq INTEGER PRIMARY KEY,
  package_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  act TEXT NOT NULL,                -- assign, start, deliver, …, edit
  from_status TEXT NOT NULL,
  to_status TEXT NOT NULL,
  detail TEXT NOT NULL              -- JSON: names of changed fields, a reason; never their values
) STRICT;
CREATE INDEX package_moves_package ON package_moves (package_id, seq);

-- orders ------------------------------------------------------------------------------------------

CREATE TABLE idempotency (          -- the answer to a request that carried an Idempotency-Key, for 24 hours
  key_id TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  body_hash BLOB NOT NULL,
  answer BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (key_id, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

-- delivery ----------------------------------------------------------------------------------------

CREATE TABLE proofs (               -- one row per attempt at a door
  id TEXT PRIMARY KEY,
  package_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed')),
  driver_id TEXT NOT NULL,
  acted_at INTEGER NOT NULL,
  lat REAL,
  lng REAL,
  photo INTEGER NOT NULL,           -- 1: there is a picture of this kind behind the signed link
  signature INTEGER NOT NULL,
  made_up INTEGER NOT NULL          -- 1: the sandbox walked the package here
) STRICT, WITHOUT ROWID;
CREATE INDEX proofs_package ON proofs (package_id, attempt);

-- webhooks ----------------------------------------------------------------------------------------

CREATE TABLE webhook_endpoints (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL,             -- JSON array of names, or ["*"]
  state TEXT NOT NULL CHECK (state IN ('active', 'paused_by_user', 'paused_failing')),
  secret TEXT NOT NULL,
  next_secret TEXT,                 -- during a rotation both sign
  rotation_ends_at INTEGER,
  ca_pem TEXT,                      -- a receiver on the LAN: its certificate, or its own authority
  check_name INTEGER NOT NULL DEFAULT 1,  -- 0: exactly the certificate in ca_pem, whatever it names
  since_seq INTEGER NOT NULL,       -- it hears events behind this one
  max_in_flight INTEGER NOT NULL DEFAULT 4,  -- 1: ordered, each event only once the one before is over
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  releasing INTEGER NOT NULL DEFAULT 0,  -- the receiver is back: what waits for its next try is let go bit by bit
  retry_after_until INTEGER,
  last_attempt_at INTEGER,
  last_ok_at INTEGER,
  paused_at INTEGER,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  deleted_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_endpoints_tenant ON webhook_endpoints (tenant_id, test, created_at) WHERE deleted_at IS NULL;

CREATE TABLE webhook_networks (     -- what an owner allowed on the screen, beside webhooks.allow_networks
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  network TEXT NOT NULL,            -- CIDR
  allowed_at INTEGER NOT NULL,
  allowed_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, network)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_deliveries (
  id TEXT PRIMARY KEY,
  event_seq INTEGER,                -- null for a test ping, which is no event
  ping BLOB,                        -- a test ping's own body
  endpoint_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'exhausted', 'held', 'cancelled')),
  trigger TEXT NOT NULL CHECK (trigger IN ('auto', 'manual', 'replay', 'test')),  -- why the next attempt happens
  back_state TEXT,                  -- where a manual attempt found the row: it goes back there
  back_at INTEGER,                  -- unless it succeeds, so that the schedule is not disturbed
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  lease TEXT,
  lease_until INTEGER,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  UNIQUE (event_seq, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at, event_seq) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_asked ON webhook_deliveries (endpoint_id, next_at)
  WHERE state = 'pending' AND trigger IN ('manual', 'test');
CREATE INDEX webhook_deliveries_leased ON webhook_deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX webhook_deliveries_held ON webhook_deliveries (endpoint_id) WHERE state = 'held';

CREATE TABLE webhook_logs (         -- one row per attempt, there before the attempt begins
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  endpoint_id TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  trigger TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('in_flight', 'ok', 'failed', 'interrupted', 'blocked', 'internal_error')),
  status INTEGER,
  error_class TEXT,
  address TEXT,                     -- the address dialled
  answer_head TEXT,                 -- the answer's headers, the first 2 KiB
  answer BLOB,                      -- the first 8 KiB; null once pruned, with its SHA-256 and size beside it
  answer_hash BLOB,
  answer_size INTEGER,
  retry_after INTEGER,              -- seconds, as the receiver asked
  started_at INTEGER NOT NULL,
  duration_ms INTEGER,
  next_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_logs_endpoint ON webhook_logs (endpoint_id, started_at);
CREATE INDEX webhook_logs_delivery ON webhook_logs (delivery_id, attempt);
CREATE INDEX webhook_logs_open ON webhook_logs (id) WHERE outcome = 'in_flight';
