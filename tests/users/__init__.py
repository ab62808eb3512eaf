"""Tests of `users`."""
