"""The box's own documentation: every endpoint with a curl that works as pasted."""
