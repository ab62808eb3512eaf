"""Use cases of the shop, by subject."""
