"""Mirror embedded."""
