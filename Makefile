# Deskbell, from a fresh machine with Python 3.11 or later and make: `make run`, then open the address it prints.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
PYTHON := .venv/bin/python
DATA ?= ./data
PORT ?= 8000
WORKERS ?= 2
ARGS ?=

# A stamp is older than what it was made from: install again. A checkout that was moved: likewise.
MOVED := $(if $(filter-out $(CURDIR),$(shell cat .venv/.made-in 2>/dev/null)),moved)
RUN := .venv/.ready-run
TEST := .venv/.ready-test
LINT := .venv/.ready-lint

.NOTPARALLEL: # two installations into one environment would disturb each other
.PHONY: help install run test lint check bench benchbig soak mutants lock clean moved

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile
	@echo "  Variables: DATA=$(DATA) PORT=$(PORT) (run); ARGS='-k word' WORKERS=$(WORKERS) (test); WITH=python3 (makes .venv)"

install: $(RUN) ## Make .venv/bin/deskbell, and start nothing

run: $(RUN) ## Start a demo business: DATA=./data PORT=8000; Ctrl-C stops it
	@exec .venv/bin/deskbell demo --data '$(DATA)' --port '$(PORT)'

test: $(TEST) ## Run every test: ARGS='tests/domain -k receipts' runs some of them
	@scripts/test.sh $(WORKERS) $(ARGS)

lint: $(LINT) ## Check style, types and the direction of imports
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -c 'from importlinter.cli import lint_imports_command as main; main()' --no-cache

check: lint test ## All that CI runs: lint, then test

bench: $(TEST) ## Measure: figures against the budgets
	@bench/run $(ARGS)

benchbig: $(TEST) ## Measure lists, searches and routing in a business with MESSAGES=1000000
	@$(PYTHON) bench/w5/run

soak: $(TEST) ## Kill and disconnect for hours (KILLS=2000 MESSAGES=10000000): nothing may be lost
	@$(PYTHON) tests/soak/run.py $(ARGS)

mutants: $(TEST) ## Plant known bugs one by one: the tests must find each
	@$(PYTHON) tests/mutants/run.py $(ARGS)

lock: ## Write requirements*.txt from pyproject.toml (needs uv): ARGS=--upgrade takes newer versions
	@scripts/lock.sh $(ARGS)

clean: ## Remove the environment and what tools left behind; never the data
	rm -rf .venv .artefacts .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements.txt requirements-build.txt pyproject.toml clients/python/pyproject.toml scripts/environment.sh $(MOVED)
	@scripts/environment.sh run

$(TEST): requirements-test.txt scripts/environment.sh $(RUN)
	@scripts/environment.sh test

$(LINT): requirements-lint.txt scripts/environment.sh $(RUN)
	@scripts/environment.sh lint
