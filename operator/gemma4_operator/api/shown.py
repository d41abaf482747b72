"""Words of a user's in a message: in one line, without what a terminal would act on, and not without end."""


def shown(text: str, most: int = 100) -> str:
    """Return a text fit for a message."""
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:most])
    return plain if len(text) <= most else f"{plain}..."
