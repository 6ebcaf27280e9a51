"""People who drive: who they are and what they may carry, their shifts, and what they are given."""
