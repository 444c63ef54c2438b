"""How figures are written in another language than English."""

_COMMA_AND_DOT = str.maketrans(",.", ".,")


def in_portuguese(figure: str) -> str:
    """A figure as English writes it, ``1,234.5``, as Portuguese does."""
    return figure.translate(_COMMA_AND_DOT)
