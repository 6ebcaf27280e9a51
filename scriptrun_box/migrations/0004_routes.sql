-- A driver's ordered stops for a day, what became of each package, and plans of the optimiser.

CREATE TABLE routes (               -- never deleted: packages and events go on naming them
  seq INTEGER PRIMARY KEY,          -- order of arrival; lists are keyed on it
  id TEXT NOT NULL UNIQUE,          -- rte_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL REFERENCES locations (id),  -- where it begins, and its packages too
  driver_id TEXT NOT NULL REFERENCES drivers (id),
  date TEXT NOT NULL,               -- YYYY-MM-DD at the location
  status TEXT NOT NULL CHECK (status IN ('planned', 'started', 'finished', 'cancelled')),
  ends_at_start INTEGER NOT NULL,   -- 1: the driver comes back; 0: it ends with the last stop
  leaves_at INTEGER,                -- planned; null is as soon as it is started
  breaks TEXT NOT NULL,             -- JSON array of {"after": "HH:MM", "before": "HH:MM", "minutes": n}
  meters INTEGER,                   -- planned way; null where no stop has a place yet
  started_at INTEGER,
  completed_at INTEGER,             -- the last stop was done: route.completed was sent, once
  finished_at INTEGER,
  pace REAL,                        -- of a finished route: driven time over estimated time
  version INTEGER NOT NULL,         -- counts changes: who writes says which one they saw
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL          -- who was faster
) STRICT;
CREATE INDEX routes_list ON routes (tenant_id, test, seq);
CREATE INDEX routes_date ON routes (tenant_id, test, date, seq);
CREATE UNIQUE INDEX routes_under_way ON routes (driver_id) WHERE status = 'started';  -- one at a time
CREATE INDEX routes_paces ON routes (location_id, finished_at) WHERE pace IS NOT NULL;

CREATE TABLE stops (                -- one door: all its packages, one signature; packages name their stop
  id TEXT PRIMARY KEY,              -- stp_…
  route_id TEXT NOT NULL REFERENCES routes (id),
  position INTEGER NOT NULL,        -- 1, 2, …; those without a package left are not counted
  door TEXT NOT NULL,               -- as packages.door, or their address where nobody looked it up yet
  fixed INTEGER NOT NULL,           -- 1: somebody put it where it is, and there it stays
  arrives_at INTEGER,               -- planned; null where a place is missing
  done_at INTEGER,                  -- every package of it is delivered, failed or recalled
  UNIQUE (route_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcomes (             -- how a package ended on a route; it may go out again on another
  route_id TEXT NOT NULL REFERENCES routes (id),
  package_id TEXT NOT NULL,
  stop_id TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed', 'recalled')),
  at INTEGER NOT NULL,
  PRIMARY KEY (route_id, package_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE route_plans (          -- what the optimiser is asked, how far it is, what it found
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- pln_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL REFERENCES locations (id),
  date TEXT NOT NULL,
  route_id TEXT,                    -- where only one route is put in order
  status TEXT NOT NULL
    CHECK (status IN ('queued', 'running', 'ready', 'failed', 'cancelled', 'committed')),
  progress INTEGER NOT NULL,        -- percent
  request TEXT NOT NULL,            -- JSON: drivers and packages
  result TEXT,                      -- JSON: routes, what was left out and why
  reason TEXT,                      -- why it failed, in words
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX route_plans_list ON route_plans (tenant_id, test, seq);
CREATE INDEX route_plans_waiting ON route_plans (seq) WHERE status IN ('queued', 'running');

-- The route a driver is out with, or null: who is under way cannot leave, and starts no other.
ALTER TABLE drivers ADD COLUMN route_id TEXT;
