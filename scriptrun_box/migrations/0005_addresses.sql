-- Where doors are: what is known of each address a tenant's orders named, and the loaded points.

CREATE TABLE places (               -- one row for each door of a tenant, its answer kept for the next order
  seq INTEGER PRIMARY KEY,          -- order of arrival; lists are keyed on it
  id TEXT NOT NULL UNIQUE,          -- adr_…
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  test INTEGER NOT NULL,
  door TEXT NOT NULL,               -- the address in one spelling, unit included, as packages.door
  building TEXT NOT NULL,           -- the same without the unit
  text TEXT NOT NULL,               -- as an order wrote it
  number TEXT NOT NULL,             -- the parts; empty where there is none
  street TEXT NOT NULL,
  unit TEXT NOT NULL,
  extra TEXT NOT NULL,              -- a gate code and its like
  town TEXT NOT NULL,
  state_code TEXT NOT NULL,
  zip TEXT NOT NULL,
  zip_lat REAL,                     -- the middle of the ZIP
  zip_lng REAL,
  found_by TEXT NOT NULL,           -- the text as a search field compares it
  state TEXT NOT NULL CHECK (state IN ('located', 'waiting', 'to_check')),
  reason TEXT NOT NULL,             -- a code: why it is not located; empty where it is
  lat REAL,
  lng REAL,
  source TEXT CHECK (source IN ('known', 'points', 'geocoder', 'zip', 'pin')),
  confidence TEXT CHECK (confidence IN ('exact', 'near', 'approximate')),
  same_as TEXT,                     -- somebody corrected it: the door it really is
  tries INTEGER NOT NULL DEFAULT 0, -- of asking the geocoder
  next_at INTEGER,                  -- when it is looked for next, while it waits
  answer_lat REAL,                  -- what the geocoder said last, believed or not
  answer_lng REAL,
  asked_at INTEGER,                 -- somebody asked the patient
  decided_at INTEGER,               -- somebody decided: nothing automatic changes it any more
  decided_by TEXT,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK ((lat IS NULL) = (lng IS NULL) AND (lat IS NULL) = (source IS NULL)),
  CHECK ((source IS NULL) = (confidence IS NULL)),
  CHECK ((state = 'waiting') = (next_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX places_door ON places (tenant_id, test, door);
CREATE INDEX places_building ON places (tenant_id, test, building);
CREATE INDEX places_state ON places (tenant_id, test, state, seq);
CREATE INDEX places_due ON places (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX places_answers ON places (answer_lat, answer_lng) WHERE answer_lat IS NOT NULL;
CREATE INDEX places_corrected ON places (tenant_id, test, same_as) WHERE same_as IS NOT NULL;

CREATE TABLE sightings (            -- where drivers stood at a door; several that agree are believed
  seq INTEGER PRIMARY KEY,
  place_id TEXT NOT NULL REFERENCES places (id),
  at INTEGER NOT NULL,
  lat REAL NOT NULL,
  lng REAL NOT NULL
) STRICT;
CREATE INDEX sightings_place ON sightings (place_id, seq);

CREATE TABLE point_files (          -- loads of address points, public data for every tenant of the box
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  points INTEGER NOT NULL,
  bad_rows INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  loaded_at INTEGER                 -- null: not whole, and not used
) STRICT;

CREATE TABLE address_points (
  file INTEGER NOT NULL,
  street TEXT NOT NULL,             -- in its one spelling
  number TEXT NOT NULL,
  zip TEXT NOT NULL,
  town TEXT NOT NULL,
  unit TEXT NOT NULL,
  lat REAL NOT NULL,
  lng REAL NOT NULL,
  PRIMARY KEY (file, street, number, zip, town, unit)
) STRICT, WITHOUT ROWID;

-- An edited address is read again. Neither this column nor these indexes are written at ingest.
ALTER TABLE packages ADD COLUMN readdressed INTEGER;
CREATE INDEX packages_readdressed ON packages (seq) WHERE readdressed IS NOT NULL;
CREATE INDEX packages_door ON packages (tenant_id, test, door)
  WHERE door IS NOT NULL AND status IN ('created', 'assigned', 'out_for_delivery', 'failed');
