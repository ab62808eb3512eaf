"""Tests mirror the house; most go through the HTTP door to real servers."""

from tests.support.settings import forget

forget()  # the settings of whoever runs the tests, as a container has them
