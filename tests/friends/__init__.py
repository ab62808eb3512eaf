"""Tests of `friends`, as a part of the house and alone."""
