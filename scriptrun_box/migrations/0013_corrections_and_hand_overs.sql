-- How the desk wrote an address that an order had wrong, and who took a route over from whom.

ALTER TABLE places ADD COLUMN corrected TEXT;             -- null: nobody corrected this door
ALTER TABLE packages ADD COLUMN corrected_address TEXT;   -- what its driver reads instead

-- Who took a route over from whom: a list of {at, by, from_driver_id, driver_id}, oldest first.
ALTER TABLE routes ADD COLUMN hand_overs TEXT NOT NULL DEFAULT '[]';
