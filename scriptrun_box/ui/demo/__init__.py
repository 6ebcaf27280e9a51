"""The demonstration's own screen: what arrived at the built-in receiver."""
