"""Faults against a real box: each a scenario with a short form in the tests and a long one."""
