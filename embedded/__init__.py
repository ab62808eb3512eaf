"""Run real PostgreSQL and Valkey out of wheels, for `make up` and the tests."""
