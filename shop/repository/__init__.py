"""Every SQL statement of the shop, by subject."""
