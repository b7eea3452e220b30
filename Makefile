# Everything is set up by itself: `make run` and `make test` work in a fresh clone with Python 3.11 or later.

# The first that is 3.11 or later; requirements.txt was compiled for 3.11.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
EVALUATION ?= ../shared/eval

.DEFAULT_GOAL := help
.PHONY: help install run demo worker test check fuzz fix bench evaluate lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## Make .venv and install the pinned requirements

run: install ## Start database, site and worker on http://127.0.0.1:8000 (PORT=8001 for another)
	@exec $(BIN)/python -m homecare.run

demo: install ## Tell the demonstration in the terminal: said, remembered, to review, found
	@exec $(BIN)/python -m homecare.prepare always

worker: install ## Run one more worker, beside those that run
	@exec $(BIN)/python manage.py run_worker

test: $(VENV)/installed-dev ## Run the tests (browser tests need Debian's chromium and are skipped without it)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(VENV)/installed-dev ## Format, lint, types, layers, migrations, settings: changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

fuzz: $(VENV)/installed-dev ## Send the API requests made up from its schema, FUZZ=300 a route
	@FUZZ=$${FUZZ:-300} $(BIN)/python -m pytest -n 2 tests/test_fuzz.py $(ARGS)

fix: $(VENV)/installed-dev ## Repair format and lint where a program can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed-dev ## Measure search, write and memory against their floors
	@$(BIN)/python -m homecare.prepare
	@$(BIN)/python manage.py bench $(ARGS)

evaluate: install ## Score extraction, retrieval and contexts on the files in EVALUATION
	@test -d $(EVALUATION) || { echo "No folder $(EVALUATION): name yours, as in EVALUATION=folder make evaluate"; exit 1; }
	@$(BIN)/python -m homecare.prepare
	@mkdir -p var/evaluation
	@for file in $(EVALUATION)/*extraction*.jsonl; do \
		$(BIN)/python manage.py evaluate extraction $$file --predictions var/evaluation/$$(basename $$file) || exit 1; \
	done
	@for file in $(EVALUATION)/*retrieval*.jsonl; do \
		$(BIN)/python manage.py evaluate retrieval $$file --predictions var/evaluation/$$(basename $$file) || exit 1; \
		$(BIN)/python manage.py evaluate context $$file --predictions var/evaluation/context_$$(basename $$file) || exit 1; \
	done

lock: $(VENV)/installed-dev ## Compile requirements*.in to requirements*.txt, pinned and with hashes
	@for name in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
			--python-version 3.11 $$name.in -o $$name.txt || exit 1; \
	done

clean: ## Stop the database, delete .venv and caches; var/, with the data, stays
	@test ! -x $(BIN)/python || $(BIN)/python -m homecare.postgres stop
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv is three times faster than pip. Where it cannot be had, or has no folder for its cache, pip does the same.
UV = $(BIN)/python -m uv pip install --quiet --python $(BIN)/python --system-certs --require-hashes
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/made:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed; name yours, as in PYTHON=/opt/python/bin/python3 make install"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python makes no venv; on Debian: apt install python3-venv"; exit 1; }
	@$(PIP) uv==0.13.8 || echo "Going on without uv."
	@touch $@

$(VENV)/installed: requirements.txt $(VENV)/made
	@echo "Installing $<"
	@$(UV) -r $< || $(PIP) --require-hashes -r $<
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "Installing $<"
	@$(UV) -r $< || $(PIP) --require-hashes -r $<
	@touch $@
