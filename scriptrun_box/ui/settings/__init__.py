"""The settings half of the screens: integrations, people, usage, the system, the texts."""
