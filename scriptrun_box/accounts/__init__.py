"""Tenants, locations, staff, API keys, plans and usage: who may do what, and how much of it."""
