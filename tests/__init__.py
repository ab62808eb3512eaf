"""The tests; the settings of whoever runs them, as a container has them, are forgotten first."""

from tests.support.settings import forget

forget()
