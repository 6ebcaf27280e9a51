-- The cold chain: bags and how long they keep cold, pack-outs, temperatures, and what a pharmacist decided.

ALTER TABLE packages ADD COLUMN hold_until INTEGER;       -- packed cold: how long its bag keeps it so
ALTER TABLE packages ADD COLUMN quarantined_at INTEGER;   -- DO NOT USE, until a pharmacist has decided

-- Today's cold packages, those whose bag is about to give up, and those that wait for a pharmacist.
CREATE INDEX packages_cold_day ON packages (tenant_id, test, delivery_date, seq) WHERE cold_chain = 1;
CREATE INDEX packages_quarantined ON packages (tenant_id, test, seq) WHERE quarantined_at IS NOT NULL;
CREATE INDEX packages_hold ON packages (hold_until)
  WHERE hold_until IS NOT NULL AND quarantined_at IS NULL
  AND status IN ('created', 'assigned', 'out_for_delivery', 'failed');

CREATE TABLE cold_bags (
  id TEXT PRIMARY KEY,              -- bag_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  name TEXT NOT NULL,               -- as it stands on the bag
  hold_minutes INTEGER NOT NULL,    -- as it was qualified; what is packed already keeps its limit
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  retired_at INTEGER                -- pack-outs go on naming it
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cold_bags_name ON cold_bags (tenant_id, test, name) WHERE retired_at IS NULL;

CREATE TABLE cold_rules (           -- what counts as an excursion; without a row the default does
  tenant_id TEXT PRIMARY KEY REFERENCES tenants (id),
  low REAL NOT NULL,                -- °C
  low_minutes INTEGER NOT NULL,     -- below it at least so long; 0 is at any time
  high REAL NOT NULL,
  high_minutes INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  changed_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cold_packs (           -- each time a package was packed cold
  id TEXT PRIMARY KEY,              -- pak_…
  package_id TEXT NOT NULL,
  bag_id TEXT NOT NULL REFERENCES cold_bags (id),
  gel_packs INTEGER NOT NULL,
  celsius REAL NOT NULL,            -- when it was packed
  indicator_id TEXT,                -- of the indicator or logger that travels along
  packed_at INTEGER NOT NULL,
  packed_by TEXT NOT NULL,
  hold_until INTEGER NOT NULL,
  ended_at INTEGER,                 -- it was unpacked, or packed anew
  ended_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX cold_packs_package ON cold_packs (package_id, packed_at);

CREATE TABLE cold_readings (        -- what somebody or a logger read, whichever door it came in by
  package_id TEXT NOT NULL,
  series TEXT NOT NULL CHECK (series IN ('hand', 'logger')),
  at INTEGER NOT NULL,              -- of the reading; the same one sent again is there already
  place TEXT NOT NULL,              -- pack, desk, door, logger
  celsius REAL,
  indicator TEXT CHECK (indicator IN ('unchanged', 'changed')),
  taken_by TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (package_id, series, at, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE cold_files (           -- logger files that were read in
  id TEXT PRIMARY KEY,              -- lgf_…
  package_id TEXT NOT NULL,
  hash TEXT NOT NULL,               -- SHA-256
  unit TEXT NOT NULL CHECK (unit IN ('C', 'F')),
  readings INTEGER NOT NULL,        -- in the file
  added INTEGER NOT NULL,           -- of those, the ones that were new
  bad INTEGER NOT NULL,             -- lines that could not be read
  problems TEXT NOT NULL,           -- JSON: the first of those, [line, why]
  imported_at INTEGER NOT NULL,
  imported_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cold_files_package ON cold_files (package_id, imported_at);

CREATE TABLE cold_quarantines (     -- why a package may not be used, and what the pharmacist decided
  id TEXT PRIMARY KEY,              -- qua_…
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  package_id TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  opened_by TEXT NOT NULL,
  findings TEXT NOT NULL,           -- JSON: [kind, began_at, ended_at, worst °C], all that was known
  decided_at INTEGER,
  decided_by TEXT,
  disposition TEXT CHECK (disposition IN ('release', 'redeliver', 'return', 'destroy')),
  words TEXT                        -- the pharmacist's reasons
) STRICT, WITHOUT ROWID;
CREATE INDEX cold_quarantines_package ON cold_quarantines (package_id, opened_at);
