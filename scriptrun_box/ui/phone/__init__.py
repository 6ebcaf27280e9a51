"""The driver's phone on screen: its own app, and what the desk does about phones."""
