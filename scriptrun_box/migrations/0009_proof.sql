-- What is kept of an attempt at a door, its pictures, the money and what people add later.

CREATE TABLE blobs (                -- pictures and files as the box encoded them, each once
  digest BLOB PRIMARY KEY,          -- SHA-256 of body
  type TEXT NOT NULL,
  size INTEGER NOT NULL,
  body BLOB                         -- null once its time to be kept is over
) STRICT;

ALTER TABLE proofs ADD COLUMN act_id TEXT;            -- the id its phone gave the act: one act, one door, a row for each package
ALTER TABLE proofs ADD COLUMN device_at INTEGER;      -- by the clock of the phone; acted_at is the same moment by that of the box
ALTER TABLE proofs ADD COLUMN received_at INTEGER;
ALTER TABLE proofs ADD COLUMN accuracy_m REAL;
ALTER TABLE proofs ADD COLUMN no_place TEXT;          -- why lat and lng are not known
ALTER TABLE proofs ADD COLUMN how TEXT;               -- to_person, left_at_door; null on failures
ALTER TABLE proofs ADD COLUMN recipient TEXT;
ALTER TABLE proofs ADD COLUMN relation TEXT;
ALTER TABLE proofs ADD COLUMN id_kind TEXT;           -- the ASAP code of the kind of document: 06 is a driver licence
ALTER TABLE proofs ADD COLUMN id_jurisdiction TEXT;
ALTER TABLE proofs ADD COLUMN id_number TEXT;         -- whole only in an encrypted file
ALTER TABLE proofs ADD COLUMN id_last_four TEXT;
ALTER TABLE proofs ADD COLUMN strokes TEXT;           -- the signature as it was drawn, JSON
ALTER TABLE proofs ADD COLUMN photo_digest BLOB;      -- null while photo = 1: it is still on its way
ALTER TABLE proofs ADD COLUMN signature_digest BLOB;
ALTER TABLE proofs ADD COLUMN no_photo TEXT;          -- why there is none
ALTER TABLE proofs ADD COLUMN no_signature TEXT;
ALTER TABLE proofs ADD COLUMN reason TEXT;            -- of a failure, kept when the package goes out again
ALTER TABLE proofs ADD COLUMN note TEXT;
ALTER TABLE proofs ADD COLUMN told_at INTEGER;        -- its event is written; null while the proof it needs is on its way
UPDATE proofs SET told_at = acted_at;                 -- what was told before is told
CREATE UNIQUE INDEX proofs_act ON proofs (act_id, package_id) WHERE act_id IS NOT NULL;

CREATE TABLE copay_payments (       -- what was taken, owed or waived at a door; several for one package where it was split
  id TEXT PRIMARY KEY,              -- pay_…
  package_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  driver_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  method TEXT NOT NULL,
  cents INTEGER NOT NULL,
  check_number TEXT,
  card_last_four TEXT,
  authorization TEXT,
  approved_by TEXT,                 -- of a waiver
  reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX copay_payments_package ON copay_payments (package_id, attempt);
CREATE INDEX copay_payments_driver ON copay_payments (driver_id, at);

CREATE TABLE amendments (           -- what people correct afterwards stands beside the record, never over it
  id TEXT PRIMARY KEY,              -- amd_…
  package_id TEXT NOT NULL,
  proof_id TEXT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  about TEXT NOT NULL,              -- recipient, time, place, copay, picture, reason, other
  words TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX amendments_package ON amendments (package_id, at);
