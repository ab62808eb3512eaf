"""Name the one failure of this package."""


class EmbeddedError(Exception):
    """Say in one sentence what is wrong with an embedded server and what to do."""
