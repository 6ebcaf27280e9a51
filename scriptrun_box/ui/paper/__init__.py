"""The pages of paper: labels, pick list, manifest, and what printers are sent."""
