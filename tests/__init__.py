"""Tests mirror the house; most go through the HTTP door to real servers."""
