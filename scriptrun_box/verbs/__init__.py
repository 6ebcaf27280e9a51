"""The verbs of the command line, one module for each thing they are about."""
