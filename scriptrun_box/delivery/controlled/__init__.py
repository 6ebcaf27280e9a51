"""Controlled substances: released, sealed, handed over by two people, and accounted for."""
