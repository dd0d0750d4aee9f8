# `make` alone explains the targets.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3),python3)
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 2
THREADS ?= 4
VENV := .venv
BIN := $(VENV)/bin
LISTEN = --interface wsgi --host $(HOST) --port $(PORT) --no-ws --workers-kill-timeout 60 --http1-header-read-timeout 10000
PYTEST := $(BIN)/python -m pytest
export PYTHONDONTWRITEBYTECODE :=  # what is compiled once is not compiled in every process

.DEFAULT_GOAL := help
.PHONY: help setup run serve test test-sqlite test-postgresql faults rehearse fuzz bench lint lint-openapi audit format schema screenshots messages migrations clean

help:  ## Explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready $(VENV)/ready-dev .env  ## Make the environment in .venv, for running and for testing

run: $(VENV)/ready .env  ## Serve on SQLite with the shipped factors and a demo (PORT, default 8000)
	@$(BIN)/python -m config.port $(HOST) "$(PORT)"
	@$(BIN)/python -m config.operations.turn sh -c '$(BIN)/python manage.py migrate --verbosity 0 \
		&& $(BIN)/python manage.py load_emission_factors \
		&& $(BIN)/python manage.py recalculate_co2e --unfinished \
		&& $(BIN)/python manage.py demo --url http://127.0.0.1:$(PORT)'
	@exec $(BIN)/python -m granian $(LISTEN) --workers 1 --blocking-threads $(THREADS) --respawn-failed-workers --respawn-interval 0.5 config.wsgi:application

serve: export DEBUG = 0
serve: HOST = 0.0.0.0
serve: $(VENV)/ready  ## Serve for production: needs SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL (.env.example)
	@$(BIN)/python -m config.port $(HOST) "$(PORT)"
	@$(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py load_emission_factors
	@$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	@exec sh config/serve.sh $(BIN)/python $(LISTEN) --log-config config/operations/granian.json --workers $(WORKERS) --blocking-threads $(THREADS)

test: $(VENV)/ready-dev  ## Run the tests on SQLite and on PostgreSQL (TEST_DATABASE_URL, or a private one)
	@echo "== tests on SQLite, then on PostgreSQL: 10 to 30 minutes on two cores"
	@DEBUG=1 DATABASE_URL= $(PYTEST) $(ARGS)
	@echo "== tests on PostgreSQL: what depends on the database"
	@DEBUG=1 $(BIN)/python -m tests.postgresql $(PYTEST) --second-database $(ARGS)

test-sqlite: $(VENV)/ready-dev  ## Run the tests on SQLite
	@echo "== tests on SQLite"
	@DEBUG=1 DATABASE_URL= $(PYTEST) $(ARGS)

test-postgresql: $(VENV)/ready-dev  ## Run the tests on PostgreSQL
	@echo "== tests on PostgreSQL"
	@DEBUG=1 $(BIN)/python -m tests.postgresql $(PYTEST) $(ARGS)

faults: $(VENV)/ready-dev  ## Stop, pause and kill what it runs on, under load, and print what came of it (ARGS="--kills 200")
	@$(BIN)/python -m tests.faults.run $(ARGS)

rehearse: $(VENV)/ready-dev  ## Do what docs/operations.md says: roles, backup, units, TLS, PgBouncer (needs nginx, pgbouncer)
	@$(BIN)/python -m tests.faults.rehearsal

fuzz: $(VENV)/ready-dev  ## Send each operation 500 made-up requests (EXAMPLES) and rows of them along the links, try every property ten times as often
	@DEBUG=1 EXAMPLES=$(or $(EXAMPLES),500) $(BIN)/python -m tests.postgresql $(PYTEST) tests/config/test_made_up_requests.py $(ARGS)
	@DEBUG=1 TIMES=10 $(BIN)/python -m tests.postgresql $(PYTEST) $$(grep -rl --include=*.py "^from tests.examples" tests) $(ARGS)

bench: $(VENV)/ready-bench  ## Measure against rivals, write benchmarks/RESULTS.md (ARGS="http writes", ARGS=--quick)
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(VENV)/ready-dev  ## Check style, types, migrations, settings and that openapi.json is up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 $(BIN)/mypy .
	DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run
	@DEBUG=1 DATABASE_URL= $(BIN)/python -m tests.migrations
	DEBUG=0 SECRET_KEY=$$(head -c 48 /dev/urandom | od -An -tx1 | tr -d ' \n') ALLOWED_HOSTS=example.com \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	@DEBUG=1 $(BIN)/python manage.py spectacular --validate --fail-on-warn --format openapi-json --file .openapi.json
	@cmp -s .openapi.json openapi.json || { rm -f .openapi.json; echo "openapi.json is not what the code describes: run make schema" >&2; exit 1; }
	@rm -f .openapi.json

lint-openapi:  ## Check openapi.json with redocly and spectral (needs npm; CI runs it where that is)
	npx --yes @redocly/cli@2.77.0 lint openapi.json --extends=recommended --format=stylish
	npx --yes @stoplight/spectral-cli@6.16.3 lint openapi.json --ruleset tests/config/spectral.yaml --fail-severity=error

audit: $(VENV)/ready-dev  ## Ask whether an installed package has a known fault (says so where nobody answers)
	@$(BIN)/python -m tests.known_faults

format: $(VENV)/ready-dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/ready  ## Write openapi.json anew
	DEBUG=1 $(BIN)/python manage.py spectacular --validate --fail-on-warn --format openapi-json --file openapi.json

screenshots: $(VENV)/ready-dev  ## Take the README's pictures of the admin anew, from the demo (needs chromium)
	@$(BIN)/python -m tests.browser.screenshots

messages: $(VENV)/ready-dev  ## Rebuild the catalogue of the admin's texts; fails while one has no translation
	@DEBUG=1 $(BIN)/python -m tests.messages

migrations: $(VENV)/ready  ## Write migrations for changed models
	DEBUG=1 $(BIN)/python manage.py makemigrations

clean:  ## Remove the environment, caches and the SQLite file
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis static db.sqlite3 db.sqlite3-wal db.sqlite3-shm db.sqlite3-demo

# An environment counts when it was made to its end, here, and its Python and pip still run; one that
# was interrupted, or has been moved with its folder, is made anew.
WHOLE := $(shell [ "$$(cat $(VENV)/made 2>/dev/null)" = "$(realpath $(VENV))" ] && $(BIN)/python -c 'import pip' 2>/dev/null && echo yes)
ifneq ($(WHOLE),yes)
.PHONY: $(VENV)/made
endif

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python cannot make environments here: install its package python3-venv (apt-get install python3-venv)" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "The environment could not be made in $(CURDIR)/$(VENV): may you write there, and is python3-venv installed?" >&2; exit 1; }
	@printf %s "$(CURDIR)/$(VENV)" > $@

# $(call install,what,file): pip's own words but where the network is the fault.
define install
@echo "Installing what $(1) …" >&2
@$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 2 --timeout 15 -r $(2) 2> $(VENV)/pip.log || { \
	if grep -qiE 'NewConnectionError|ConnectTimeout|ProxyError|Name or service not known|name resolution|Connection refused|Network is unreachable|Max retries|SSLError' $(VENV)/pip.log; \
	then echo "The package index was not reached: check the network, or name an index of yours in PIP_INDEX_URL." >&2; \
	else cat $(VENV)/pip.log >&2; fi; exit 1; }
@touch $@
endef

$(VENV)/ready: requirements.txt $(VENV)/made
	$(call install,the service needs,$<)

$(VENV)/ready-dev: requirements-dev.txt $(VENV)/ready
	$(call install,the tests need,$<)

$(VENV)/ready-bench: benchmarks/requirements.txt $(VENV)/ready-dev
	$(call install,the benchmarks need,$<)

.env:
	@echo "DEBUG=1" > $@
