-- The people behind the orders: a row for each patient number, made after the order's commit.

CREATE TABLE patients (             -- name, address and phone are read from their newest package, never copied
  seq INTEGER PRIMARY KEY,          -- order of arrival; lists are keyed on it
  id TEXT NOT NULL UNIQUE,          -- pat_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  location_id TEXT NOT NULL,        -- of a dispatch account: the client whose number it is; else empty
  number TEXT,                      -- as the orders' external_patient_id; null once erased
  merged_into TEXT REFERENCES patients (id),  -- somebody said it is the same person; that one is merged into nobody
  instructions TEXT,                -- standing ones, for the driver
  receivers TEXT NOT NULL,          -- JSON array: who else may receive
  leave_at_door INTEGER NOT NULL DEFAULT 0,
  language TEXT,                    -- such as es or pt-BR
  messages INTEGER,                 -- consent: 1 yes, 0 no, null was never asked
  messages_at INTEGER,              -- when somebody noted that, and who
  messages_by TEXT,
  notes TEXT,                       -- the desk's own
  version INTEGER NOT NULL,         -- counts changes: who writes says which one they saw
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  erased_at INTEGER,
  CHECK (merged_into IS NULL OR merged_into <> id),
  CHECK ((number IS NULL) = (erased_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX patients_number ON patients (tenant_id, test, number, location_id)
  WHERE number IS NOT NULL;
CREATE INDEX patients_list ON patients (tenant_id, test, seq)
  WHERE merged_into IS NULL AND erased_at IS NULL;
CREATE INDEX patients_merged ON patients (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE erasures (             -- the proof that somebody was erased, without a word of them
  patient_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  test INTEGER NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  packages INTEGER NOT NULL,        -- how many of theirs were overwritten
  digest TEXT NOT NULL,             -- SHA-256 of patient id, time, who did it and the packages' ids
  finished_at INTEGER               -- nothing of them is left in the file's bytes; null: not yet
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_unfinished ON erasures (patient_id) WHERE finished_at IS NULL;
