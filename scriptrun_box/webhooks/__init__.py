"""Events out: who wants to hear what, and seeing to it that they do."""
