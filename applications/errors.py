"""What can go wrong with applications; the docstrings are shown to clients."""

from kit.errors import NotFound


class ApplicationNotFound(NotFound):
    """There is no such application."""
