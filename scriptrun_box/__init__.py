"""ScriptRun in one box: a pharmacy-delivery server in one process and one SQLite file."""

__version__ = "0.1.0"
