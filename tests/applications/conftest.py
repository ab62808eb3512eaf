"""What the tests of applications observe besides answers."""

from tests.shop import conftest as shop

statements = shop.statements
