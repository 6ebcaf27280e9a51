"""The dispatcher's desk: what needs somebody first, and every package."""
