"""Pages an owner may word: security, BAA and terms, each with an honest default."""
