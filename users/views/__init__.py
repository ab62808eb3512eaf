"""Views of users."""
