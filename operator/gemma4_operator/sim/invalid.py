"""What is said of a trace that cannot be used."""


class InvalidTrace(ValueError):
    """One sentence: where, what must be, and what is there instead."""
