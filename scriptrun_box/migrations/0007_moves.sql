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
