# One set of verbs for people, hooks and CI. `make` prints them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TORCH_VENV := .venv-torch
TORCH_READY := $(TORCH_VENV)/.ready
CHECKPOINTS_VENV := .venv-checkpoints
CHECKPOINTS_READY := $(CHECKPOINTS_VENV)/.ready
CLOUD_VENV := .venv-cloud
CLOUD_READY := $(CLOUD_VENV)/.ready
AZURITE := azurite@3.35.0
TOOLS_VENV := .venv-tools
TOOLS_READY := $(TOOLS_VENV)/.ready
UV = UV_PYTHON_DOWNLOADS=never $(TOOLS_VENV)/bin/uv --quiet
PIP := -m pip install --quiet --disable-pip-version-check
CONSTRAINTS := constraints.txt
UNCOMPILED := tests|moto|plotly|selenium|trio|debugpy|jedi|fontTools|mypy|mypyc|pip|setuptools|pkg_resources|wcwidth|snowballstemmer|opentelemetry|coreweave_evaluations|sphinx|sphinxcontrib|docutils|babel|pygments/lexers|pygments/styles|prompt_toolkit|IPython|tornado|parso|ruamel|bs4|cryptography|cffi|pycparser|tomlkit|hatchling|check_jsonschema|coverage|httpcore|httpx|pexpect|wheel|pydantic/v1|numpy/distutils|scipy/signal|scipy/cluster|sklearn/cluster|sklearn/feature_selection|sklearn/gaussian_process|sklearn/manifold|sklearn/inspection|wandb/automations|hypothesis/extra|matplotlib/testing|metaflow/cmd|metaflow/_vendor/v3_6|metaflow/_vendor/v3_7|metaflow/_vendor/typeguard|metaflow/plugins/env_escape|joblib/test|pandas/plotting/_matplotlib|scipy/_lib/cobyqa|scipy/_lib/pyprima|mpl_toolkits/axisartist|wandb/sdk/sweeps/scheduler|narwhals/_arrow|narwhals/_polars|narwhals/_dask|narwhals/_spark_like|narwhals/_duckdb|narwhals/_ibis
# Each worker imports all its tests, seconds of a processor. On two cores, with three both have work.
WORKERS ?= 3
# The same for the tests that start next to nothing; where others run beside them, one process is enough: 0.
UNIT_WORKERS ?= $(WORKERS)
UNIT := tests/unit tests/contracts
# tests/conftest.py says which begin first: those that take longest.
PYTEST := $(BIN)/python -m pytest --dist loadgroup --no-loadscope-reorder
WHEEL ?=
export WORKERS WHEEL
# Without compiled modules, each worker and each command of the tests would compile all anew.
unexport PYTHONDONTWRITEBYTECODE
TESTS ?=
PYTHONS ?=
MISSING ?=
# What `make coverage` measures: four minutes of processor time. Tracing makes tests 1.6 times as slow.
COVERED := $(UNIT)

# $(call install,venv,what): uv takes a third of pip's processor time. It reads no settings of pip; what pip has as
# variables is said to it, and where it finds no packages, pip has a try.
define install
@test -x $(1)/bin/python || $(UV) venv --seed --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(1) \
	|| $(PYTHON) -m venv $(1)
@$(UV) pip install --python $(1) $${PIP_FIND_LINKS:+--find-links "$$PIP_FIND_LINKS"} \
		$${PIP_INDEX_URL:+--default-index "$$PIP_INDEX_URL"} $${PIP_EXTRA_INDEX_URL:+--index "$$PIP_EXTRA_INDEX_URL"} $(2) \
	|| { $(1)/bin/python $(PIP) --upgrade "pip>=25.1" && $(1)/bin/python $(PIP) --no-compile $(2); }
endef

.DEFAULT_GOAL := help
.PHONY: help setup lock demo test test-unit test-whole test-all test-shapes test-torch torch torch-data test-checkpoints checkpoint-data test-browser test-cloud test-faults test-compared \
	test-fuzz test-hostile test-wheel test-lowest test-newest test-matrix old-flow-runs tools coverage coverage-report \
	lint types layers check docs docs-blocks picture costs \
	wheel image schemas notebook release bench format clean

help: ## print the verbs
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with mfwb, the sample flow's packages and the developers' tools

$(READY): pyproject.toml $(CONSTRAINTS) | $(TOOLS_READY)
	@echo "Installing into $(VENV); the first time takes a minute or two ..."
	$(call install,$(VENV),--constraint $(CONSTRAINTS) --editable . --group dev --group examples)
	@# pip and uv would compile one file after the other, and all of AWS for moto. What few tests import, they compile.
	@$(BIN)/python -W ignore -m compileall -qq -j 0 -x '/($(UNCOMPILED))/' $(VENV)/lib || true
	@touch $@

tools: $(TOOLS_READY) ## make .venv-tools with uv, for the verbs that make a wheel, a lock or a venv

# A pip in it would take longer than all else: the one that Python has can install there, from pip 22.3 on.
$(TOOLS_READY): Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "mfwb needs Python 3.10 or newer; say make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(TOOLS_VENV)/bin/python || $(PYTHON) -m venv --without-pip $(TOOLS_VENV)
	@$(PYTHON) -m pip --python $(TOOLS_VENV) install --quiet --disable-pip-version-check --no-compile "uv>=0.5" 2> /dev/null \
		|| { $(PYTHON) -m venv $(TOOLS_VENV) && $(TOOLS_VENV)/bin/python $(PIP) "uv>=0.5"; }
	@touch $@

lock: $(TOOLS_READY) ## write constraints.txt anew: the newest versions, for each Python and system
	@$(UV) pip compile --universal --python-version 3.10 --upgrade --no-annotate \
		--custom-compile-command "make lock" --group dev --group examples \
		--output-file $(CONSTRAINTS) pyproject.toml

demo: setup ## run a sample flow and sync it offline into demo/
	@$(BIN)/python examples/demo.py

test: test-unit test-whole ## run the tests; where there are many of a kind, a sample

test-unit: setup ## run those of one module each, and of the ports
	@$(PYTEST) -n $(UNIT_WORKERS) $(UNIT)

test-whole: setup ## run those of whole commands on real flow runs
	@$(PYTEST) -n $(WORKERS) $(addprefix --ignore ,$(UNIT)) tests

test-all: setup ## run the tests, those of which `make test` takes a sample in full
	@$(PYTEST) -n $(WORKERS) -m "not torch and not cloud and not checkpoints and not browser"

test-shapes: setup ## run every shape of flow and ten random flows, for lineage
	@$(PYTEST) -n $(WORKERS) -m "not torch and not cloud and not checkpoints and not browser" tests/integration/test_lineage_truth.py

test-torch: setup $(TORCH_READY) ## run a flow with torch, in a venv of its own; sync it without
	@$(BIN)/python -m pytest -m torch tests/torch

torch-data: setup $(TORCH_READY) ## write the pickles of torch anew that the tests look at
	@$(BIN)/python -m tests.torch.renew

torch: $(TORCH_READY) ## make .venv-torch, for the verbs above

$(TORCH_READY): pyproject.toml | $(TOOLS_READY)
	@echo "Installing torch into $(TORCH_VENV); the first time takes a minute or two ..."
	$(call install,$(TORCH_VENV),--group torch)
	@touch $@

test-checkpoints: setup $(CHECKPOINTS_READY) ## run a flow with metaflow-checkpoint, local and in S3; sync it without
	@$(BIN)/python -m pytest -m checkpoints tests/checkpoints

checkpoint-data: setup $(CHECKPOINTS_READY) ## record the flow run with checkpoints anew that the tests look at
	@$(BIN)/python -m tests.checkpoints.renew

$(CHECKPOINTS_READY): pyproject.toml | $(TOOLS_READY)
	$(call install,$(CHECKPOINTS_VENV),--group checkpoints)
	@touch $@

test-browser: setup ## show the report in a real browser, and click in it; needs chromium
	@$(PYTHON) -m tools.find_browser
	@$(BIN)/python -m pytest -m browser tests/browser

test-cloud: $(CLOUD_READY) ## run a flow against emulators of Azure and Google Cloud, and sync it; needs npm
	@$(CLOUD_VENV)/bin/python -m pytest -m cloud tests/cloud

$(CLOUD_READY): pyproject.toml $(CONSTRAINTS) Makefile | $(TOOLS_READY)
	@echo "Installing emulators into $(CLOUD_VENV); the first time takes a minute or two ..."
	$(call install,$(CLOUD_VENV),--constraint $(CONSTRAINTS) --editable . --group cloud)
	@npm install --silent --no-audit --no-fund --prefix $(CLOUD_VENV) $(AZURITE)
	@touch $@

test-faults: setup ## kill syncs, and let W&B go wrong, in hundreds of ways
	@$(PYTEST) -n $(WORKERS) -m "not torch and not cloud and not checkpoints and not browser" tests/faults

test-compared: setup ## sync 100 flow runs in four ways, and compare each value with what Metaflow says
	@folder=$$(mktemp -d) && $(BIN)/python -m tests.compared "$$folder"; code=$$?; rm -rf "$$folder"; exit $$code

test-fuzz: setup ## load thousands of damaged pickles, which must do no more than fail
	@$(BIN)/python -W ignore -m tests.support.fuzz

test-hostile: setup ## run every command over hundreds of hostile flow runs and bundles, watched
	@$(PYTEST) -n $(WORKERS) -m "not torch and not cloud and not checkpoints and not browser" tests/hostile

wheel: $(TOOLS_READY) ## build the wheel and the source archive into dist/
	@rm -rf dist
	@$(UV) build --python $(PYTHON) --out-dir dist
	@ls dist

image: ## build the image `mfwb` with docker, and run it once
	@docker build --tag mfwb .
	@docker run --rm --read-only --tmpfs /tmp --network none mfwb --version

test-wheel: $(TOOLS_READY) ## run tests against the installed wheel; WHEEL=dist for the one in dist/
	@$(PYTHON) -m tools.test_against wheel $(TESTS)

test-lowest: $(TOOLS_READY) ## run tests with the lowest versions that pyproject.toml allows
	@$(PYTHON) -m tools.test_against lowest $(TESTS)

test-newest: $(TOOLS_READY) ## run tests with the newest versions, those before a release included
	@$(PYTHON) -m tools.test_against newest $(TESTS)

test-matrix: $(TOOLS_READY) ## run tests of the SDKs with each Python, metaflow and wandb; PYTHONS="3.10 3.11" for some
	@$(PYTHON) -m tools.matrix $(if $(MISSING),--missing) $(PYTHONS)

old-flow-runs: $(TOOLS_READY) ## run a flow with Metaflow 2.9 and each minor version after it, for the tests
	@$(PYTHON) -m tools.record_flow_runs

docs: setup ## make the site of docs/ in build/site; a warning is an error
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env --write-all --doctree-dir build/doctrees docs build/site
	@echo "build/site/index.html"

docs-blocks: setup ## run the commands of README.md and docs/, and write what they print; PAGES="docs/verify.md" for some
	@$(BIN)/python -m tests.docs $(PAGES)

picture: setup ## draw the terminal of a sync for README.md: docs/_static/sync.svg
	@$(BIN)/python -m tests.docs.picture

costs: setup ## count the requests and bytes of a sync for docs/limits.md; takes some minutes
	@$(BIN)/python -m tests.docs.costs

coverage: setup ## run unit and contract tests, or TESTS, and measure what of mfwb they run, children included
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n $(WORKERS) --dist loadgroup $(or $(TESTS),$(COVERED))
	@$(MAKE) --no-print-directory coverage-report

coverage-report: setup ## say what was measured; less than the ratchet in pyproject.toml fails
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report --skip-covered --sort=cover

schemas: setup ## write docs/schemas anew: the JSON schemas of what --json prints
	@$(BIN)/python -m tools.json_schemas

notebook: setup ## run the sample flow, and write the outputs of examples/notebook.ipynb anew
	@$(BIN)/python -W ignore -m tests.docs.notebooks

release: setup ## check that tag, version and changelog agree; TAG=v1.2.3, or that of the commit
	@$(BIN)/python tools/release.py $(TAG)

lint: setup ## ruff: rules and formatting; deptry: what is imported is declared; the action, the image and the workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/deptry mfwb --known-first-party mfwb --no-ansi
	@$(BIN)/deptry . --ignore DEP002,DEP004 --no-ansi
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(if $(filter test check,$(MAKECMDGOALS)),,$(BIN)/python -m pytest -q -n 0 tests/unit/test_workflows.py)

types: setup ## mypy, strict
	@$(BIN)/mypy

layers: setup ## import-linter: the architecture is the folder list
	@$(BIN)/lint-imports --no-logo

check: lint types layers docs test test-torch ## all that CI does

bench: setup ## measure speed, memory and disk against what one would write without mfwb
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.lineage
	@$(BIN)/python -m bench.payloads
	@$(BIN)/python -m bench.cron
	@$(BIN)/python -m bench.online
	@$(BIN)/python -m bench.scale --script
	@$(BIN)/python -m bench.verification
	@$(BIN)/python -m bench.features

format: setup ## let ruff write the code its way
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

clean: ## remove what demo and tools left
	rm -rf demo build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
