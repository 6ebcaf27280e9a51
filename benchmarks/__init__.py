"""Benchmarks: one run that measures the box against its peers and against its own promises."""
