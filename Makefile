# `make` alone explains the targets.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3),python3)
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 2
THREADS ?= 4
VENV := .venv
BIN := $(VENV)/bin
SERVER := $(BIN)/granian --interface wsgi --host $(HOST) --port $(PORT) --no-ws --blocking-threads $(THREADS) --workers-kill-timeout 10
# In a process group of its own: granian hangs when Ctrl-C and a kill reach it both.
ALONE := $(BIN)/python -c 'import os, sys; os.setpgrp(); os.execv(sys.argv[1], sys.argv[1:])'
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup run serve test test-sqlite test-postgresql bench lint format schema screenshots migrations clean

help:  ## Explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready $(VENV)/ready-dev .env  ## Make the environment in .venv, for running and for testing

run: $(VENV)/ready .env  ## Serve on SQLite with the shipped factors and a demo (PORT, default 8000)
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py load_emission_factors
	@$(BIN)/python manage.py recalculate_co2e --unfinished
	@$(BIN)/python manage.py demo --url http://127.0.0.1:$(PORT)
	@exec $(SERVER) --workers 1 config.wsgi:application

serve: export DEBUG = 0
serve: HOST = 0.0.0.0
serve: $(VENV)/ready  ## Serve for production: needs SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL (.env.example)
	@$(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py load_emission_factors
	@$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	@$(BIN)/python manage.py run_worker & worker=$$!; \
		$(ALONE) $(SERVER) --workers $(WORKERS) config.wsgi:application & server=$$!; \
		trap "trap '' INT TERM; kill $$server $$worker 2>/dev/null; wait" EXIT; trap exit INT TERM; \
		wait $$server

test: test-sqlite test-postgresql  ## Run the tests on SQLite and on PostgreSQL (TEST_DATABASE_URL, or a private one)

test-sqlite: $(VENV)/ready-dev  ## Run the tests on SQLite
	@echo "== tests on SQLite"
	@DEBUG=1 DATABASE_URL= $(PYTEST) $(ARGS)

test-postgresql: $(VENV)/ready-dev  ## Run the tests on PostgreSQL
	@echo "== tests on PostgreSQL"
	@DEBUG=1 $(BIN)/python -m tests.postgresql $(PYTEST) $(ARGS)

bench: $(VENV)/ready-bench  ## Measure against rivals on PostgreSQL, write benchmarks/RESULTS.md (ARGS=--quick)
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(VENV)/ready-dev  ## Check style, types, migrations, settings and the committed OpenAPI file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 $(BIN)/mypy .
	DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=0 SECRET_KEY=$$(head -c 48 /dev/urandom | od -An -tx1 | tr -d ' \n') ALLOWED_HOSTS=example.com \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/ready-dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/ready  ## Write openapi.json anew
	DEBUG=1 $(BIN)/python manage.py spectacular --validate --fail-on-warn --format openapi-json --file openapi.json

screenshots: $(VENV)/ready-dev  ## Take the README's pictures of the admin anew, from the demo (needs chromium)
	@$(BIN)/python -m tests.browser.screenshots

migrations: $(VENV)/ready  ## Write migrations for changed models
	DEBUG=1 $(BIN)/python manage.py makemigrations

clean:  ## Remove the environment, caches and the SQLite file
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis static db.sqlite3 db.sqlite3-wal db.sqlite3-shm

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/ready: requirements.txt | $(BIN)/python
	@echo "Installing what the service needs …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/ready-dev: requirements.txt requirements-dev.txt | $(VENV)/ready
	@echo "Installing what the tests need …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/ready-bench: benchmarks/requirements.txt | $(VENV)/ready-dev
	@echo "Installing what the benchmarks need …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

.env:
	@echo "DEBUG=1" > $@
