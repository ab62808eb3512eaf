"""Figures that mean something side by side: ratios within one run, printed by `make bench`."""
