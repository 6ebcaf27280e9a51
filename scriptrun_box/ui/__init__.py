"""The people's screens: the dispatcher's desk and the settings, server-rendered, live over SSE."""
