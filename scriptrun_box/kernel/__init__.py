"""The ground floor: durable writes, time, errors, limits, HTTP. Knows nothing about pharmacies."""
