"""Addresses: read into their parts, placed on the map, and put before a person where unsure."""
