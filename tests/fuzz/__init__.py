"""Input nobody thought of, through every door."""
