"""Tests of the picnic domain."""
