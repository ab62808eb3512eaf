"""Mirror seed."""
