"""What can be done with users."""
