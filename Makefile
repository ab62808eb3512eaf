# Everything needs Python >= 3.11 only; PYTHON=python3.13 make up uses another one than python3.
PYTHON ?= python3
BIN := .venv/bin
# One PostgreSQL, one Valkey and one broker per test worker: at least 2, at most 8.
TEST_WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN || echo 2); n=$$((n + n / 2)); echo $$((n < 2 ? 2 : n > 8 ? 8 : n)))

# Where make postman finds a running service.
BASE_URL ?= http://127.0.0.1:8000
NEWMAN := .node/node_modules/.bin/newman

.DEFAULT_GOAL := help
.PHONY: help up up-split down reset test test-kafka chaos fuzz bench lint postman

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

# exec: no shell stands between make and the service, so SIGTERM and Ctrl-C reach it.
up: ## Install, start PostgreSQL, Valkey and a Kafka, migrate, seed, serve on http://127.0.0.1:8000
	@$(PYTHON) bootstrap.py .venv embedded
	@exec $(BIN)/shop-api dev

up-split: ## Start users and friends as two services instead, and befriend two people through them
	@$(PYTHON) bootstrap.py .venv embedded
	@exec $(BIN)/shop-api split

down: ## Stop what make up started, from another terminal
	@test ! -x $(BIN)/shop-api || exec $(BIN)/shop-api down

reset: ## Stop it and remove its data
	@test ! -x $(BIN)/shop-api || exec $(BIN)/shop-api down --reset

test: lint ## Check the code, then run every test against real servers
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal || { test $$? -eq 1 || exit; \
		echo "Once more, alone: a bound of time that a busy machine broke holds now, a defect stays."; \
		exec $(BIN)/python -m pytest --last-failed --last-failed-no-failures none --maxfail 4; }

test-kafka: ## Run the tests that exchange messages against KAFKA_BOOTSTRAP_SERVERS=host:port
	@test -n "$$KAFKA_BOOTSTRAP_SERVERS" || { echo "Say which broker: KAFKA_BOOTSTRAP_SERVERS=host:port make test-kafka"; exit 2; }
	@$(PYTHON) bootstrap.py .venv test
	@TEST_KAFKA="$$KAFKA_BOOTSTRAP_SERVERS" exec $(BIN)/python -m pytest -n $(TEST_WORKERS) -m "kafka and not chaos" \
		$$(grep -rl --include 'test_*.py' 'mark\.kafka' tests)

chaos: ## Kill, freeze and flood things, and print what was lost (about 12 minutes)
	@$(PYTHON) bootstrap.py .venv test
	@exec $(BIN)/python -m pytest -m chaos -s --ignore tests/chaos/test_fuzz.py

fuzz: ## Send whatever the API's document allows, and what it does not (FUZZ_SECONDS=600 for each of three visitors; else 60)
	@$(PYTHON) bootstrap.py .venv test
	@exec $(BIN)/python -m pytest -m chaos -s tests/chaos/test_fuzz.py -p schemathesis -p _hypothesis_pytestplugin

bench: ## Print ratios: deep pages, Kafka away, a cached user, cities with weather, each to what is usual (about 4 minutes)
	@$(PYTHON) bootstrap.py .venv test
	@$(BIN)/python -m benchmarks.pages && $(BIN)/python -m benchmarks.kafka_away \
		&& $(BIN)/python -m benchmarks.get_user && exec $(BIN)/python -m benchmarks.weather

lint: ## Check style and types
	@$(PYTHON) bootstrap.py .venv test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

postman: ## Send the Postman collection to BASE_URL, where make up serves, with newman (needs npm)
	@test -x $(NEWMAN) || npm install --no-save --no-audit --no-fund --fetch-timeout=60000 --fetch-retries=1 \
		--prefix .node newman@6.2.2
	@exec $(NEWMAN) run shop-api.postman_collection.json --env-var baseUrl=$(BASE_URL) \
		--timeout 120000 --timeout-request 10000
