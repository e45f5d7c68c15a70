"""Names and texts, written in SQL."""


def name(identifier: str, /) -> str:
    """Quote an identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: object, /) -> str:
    """Quote a text."""
    return "'" + str(value).replace("'", "''") + "'"
