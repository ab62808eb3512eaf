"""Applications that anybody may send in."""
