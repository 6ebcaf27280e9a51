-- What later floors say of a package: where its door is, and which route takes it there.

ALTER TABLE packages ADD COLUMN door TEXT;                -- the address in one spelling, unit included: packages of one door are one stop
ALTER TABLE packages ADD COLUMN lat REAL;                 -- null with lng: not known, or not looked up yet
ALTER TABLE packages ADD COLUMN lng REAL;
ALTER TABLE packages ADD COLUMN location_source TEXT;     -- known, points, geocoder, zip, pin
ALTER TABLE packages ADD COLUMN location_confidence TEXT; -- exact, near, approximate
ALTER TABLE packages ADD COLUMN route_id TEXT;
ALTER TABLE packages ADD COLUMN stop_id TEXT;
CREATE INDEX packages_route ON packages (route_id, stop_id) WHERE route_id IS NOT NULL;

ALTER TABLE locations ADD COLUMN lat REAL;                -- where its routes begin; null with lng: not known yet
ALTER TABLE locations ADD COLUMN lng REAL;
