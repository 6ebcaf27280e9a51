-- Controlled substances: who released a package, whose hands it was in, what became of it.

CREATE TABLE state_rules (          -- what an owner changed of the rules that come with the box
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  state TEXT NOT NULL,              -- FL, …; * is every state without a rule of its own
  ask_id TEXT NOT NULL CHECK (ask_id IN ('always', 'unless_known')),
  min_age INTEGER NOT NULL,
  second_check TEXT NOT NULL CHECK (second_check IN ('none', 'II', 'all')),
  restock INTEGER NOT NULL,         -- 1: what never left the staff's hands may go back to stock
  signer TEXT NOT NULL CHECK (signer IN ('patient', 'named', 'anyone')),
  source TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  changed_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE driver_pins (          -- by which a driver without a sign-in confirms at the counter
  driver_id TEXT PRIMARY KEY REFERENCES drivers (id),
  tenant_id TEXT NOT NULL,
  pin TEXT NOT NULL,                -- scrypt
  failures INTEGER NOT NULL DEFAULT 0,
  set_at INTEGER NOT NULL,
  set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (             -- a pharmacist let a package go, sealed
  seq INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  package_id TEXT NOT NULL,
  schedule TEXT NOT NULL,           -- II, III, IV, V
  seal TEXT NOT NULL,               -- the serial of its tamper bag
  state TEXT NOT NULL,              -- whose rule it went by, and the rule as it then stood (JSON)
  rule TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,                 -- user:…
  second_by TEXT,                   -- who counted again
  ended_at INTEGER                  -- the seal came back broken, or the count wrong: it is released anew
) STRICT;
CREATE UNIQUE INDEX releases_seal ON releases (tenant_id, test, seal);
CREATE INDEX releases_package ON releases (package_id, seq);

CREATE TABLE custody (              -- the chain of hands: only ever added to
  seq INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL,
  package_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('out', 'back', 'lost')),
  driver_id TEXT NOT NULL,
  employment TEXT NOT NULL,         -- the driver's, at that time
  giver TEXT NOT NULL,              -- user:…, driver:…
  giver_by TEXT NOT NULL,           -- how they showed who they are: session, password, pin, phone, made_up
  taker TEXT NOT NULL,              -- also: nobody, of what is lost
  taker_by TEXT NOT NULL,
  seal TEXT NOT NULL,               -- as it was read at this moment
  seal_intact INTEGER NOT NULL,
  count_ok INTEGER NOT NULL,
  status TEXT NOT NULL,             -- the package's, at that time
  note TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX custody_package ON custody (package_id, seq);
CREATE INDEX custody_days ON custody (tenant_id, test, at) WHERE kind = 'out';

CREATE TABLE dispositions (         -- what a pharmacist decided about what came back
  custody_seq INTEGER PRIMARY KEY REFERENCES custody (seq),
  package_id TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('redeliver', 'restock', 'destroy', 'discrepancy')),
  note TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL
) STRICT;
CREATE INDEX dispositions_package ON dispositions (package_id, custody_seq);

CREATE TABLE incidents (            -- a discrepancy and its clocks: never deleted
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- inc_…
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL,
  package_id TEXT NOT NULL,
  custody_seq INTEGER REFERENCES custody (seq),  -- the hand-over it is about
  kind TEXT NOT NULL CHECK (kind IN ('missing', 'theft', 'count', 'seal', 'other')),
  words TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  opened_by TEXT NOT NULL,
  notice_due TEXT NOT NULL,         -- YYYY-MM-DD: the next business day
  form_due TEXT NOT NULL,           -- YYYY-MM-DD: 45 days
  notified_at INTEGER,
  notified_by TEXT,
  filed_at INTEGER,
  filed_by TEXT,
  closed_at INTEGER,
  closed_by TEXT,
  closing_words TEXT
) STRICT;
CREATE INDEX incidents_list ON incidents (tenant_id, test, seq);
CREATE INDEX incidents_custody ON incidents (custody_seq) WHERE custody_seq IS NOT NULL;
CREATE INDEX incidents_package ON incidents (package_id);
CREATE INDEX incidents_open ON incidents (seq) WHERE closed_at IS NULL;

CREATE TABLE day_closes (           -- out = delivered + returned + incidents, said by somebody: never changed
  id TEXT PRIMARY KEY,              -- day_…
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL,
  date TEXT NOT NULL,
  after_seq INTEGER NOT NULL,       -- of custody: the hand-overs behind this one,
  until_seq INTEGER NOT NULL,       -- up to this one
  sent_out INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  returned INTEGER NOT NULL,
  incidents INTEGER NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX day_closes_date ON day_closes (tenant_id, test, location_id, date);

CREATE TABLE close_amendments (     -- what was found out later stands beside a close, never in it
  id TEXT PRIMARY KEY,              -- amd_…
  close_id TEXT NOT NULL REFERENCES day_closes (id),
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX close_amendments_close ON close_amendments (close_id, at);

-- Before there was a chain of custody nobody had handed anything over.
UPDATE packages SET handed_over_at = NULL WHERE controlled_substance = 1 AND status != 'delivered';
