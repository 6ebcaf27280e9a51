"""Every door an order comes in by; today the pharmacy software's POST."""
