"""Slow proofs: what is promised, while things are killed. `make chaos` runs them."""
