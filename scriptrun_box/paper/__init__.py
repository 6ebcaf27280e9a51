"""Paper: labels, a route's manifest, the pick list; as PDF, for the browser, and for printers."""
