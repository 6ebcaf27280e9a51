-- What dispatchers do beyond giving packages to drivers.

ALTER TABLE packages ADD COLUMN recalled_at INTEGER;      -- it is out, and is to come back undelivered

CREATE TABLE last_acts (            -- what each person did last on the screens, so that they can take it back
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  actor TEXT NOT NULL,
  at INTEGER NOT NULL,
  behind INTEGER NOT NULL,          -- its moves: package_moves.seq greater than this,
  until INTEGER NOT NULL,           -- up to this one
  PRIMARY KEY (tenant_id, test, actor)
) STRICT, WITHOUT ROWID;

CREATE TABLE driver_notes (         -- what drivers tell the desk on their way
  id TEXT PRIMARY KEY,              -- note_…
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  driver_id TEXT NOT NULL,
  package_id TEXT,                  -- what it is about; null is the day as such
  text TEXT NOT NULL,
  at INTEGER NOT NULL,
  read_at INTEGER,                  -- until then it stands on top of the board
  read_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX driver_notes_unread ON driver_notes (tenant_id, test, at) WHERE read_at IS NULL;
CREATE INDEX driver_notes_package ON driver_notes (package_id, at) WHERE package_id IS NOT NULL;
