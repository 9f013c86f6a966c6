# One set of verbs for people, hooks and CI. `make` prints them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fuzz lint types layers check bench format clean

help: ## print the verbs
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(READY) ## make .venv with mfwb, the sample flow's packages and the developers' tools

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "mfwb needs Python 3.10 or newer; say make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes a minute or two ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev --group examples
	@touch $@

demo: setup ## run a sample flow and sync it offline into demo/
	@$(BIN)/python examples/demo.py

test: setup ## run all tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fuzz: setup ## load thousands of damaged pickles, which must do no more than fail
	@$(BIN)/python -W ignore -m tests.fuzz

lint: setup ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## mypy, strict
	@$(BIN)/mypy

layers: setup ## import-linter: the architecture is the folder list
	@$(BIN)/lint-imports --no-logo

check: lint types layers test ## all of it, as CI does

bench: setup ## measure speed, memory and disk against what one would write without mfwb
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.lineage
	@$(BIN)/python -m bench.payloads

format: setup ## let ruff write the code its way
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

clean: ## remove what demo and tools left
	rm -rf demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
