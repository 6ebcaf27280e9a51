"""Patients: the tenant's own list behind the orders, and what is known of each for good."""
