"""A seeded simulation: one process, invented time, faults of clock, disk, network and process."""
