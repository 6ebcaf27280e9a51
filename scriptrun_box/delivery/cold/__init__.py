"""The cold chain: packed cold, kept cold, and what becomes of what was not."""
