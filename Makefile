# Everything sets itself up: a machine with git, make and Python >= 3.11 (with venv) is enough.
VENV := .venv
LOWEST := .venv-lowest
# The first Python that is new enough and can make a virtual environment.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
PIP := -m pip install --quiet --disable-pip-version-check
PYTEST_ARGS ?=
SECONDS := 600
JOBS := 2
TARGETS :=
SAMPLE := 60
MODULES :=
ifdef COVERAGE
PYTEST_ARGS += --cov --cov-report=term
endif

.DEFAULT_GOAL := help
.PHONY: help demo test lint types contracts check format bench fuzz mutants docs test-lowest clean differential

help:  ## What there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: $(VENV)/.core  ## Run the nested tutorial in this process, and print it
	$(VENV)/bin/python -m spiffesim.cli demo

test: $(VENV)/.dev  ## Run the whole test suite (COVERAGE=1 measures the core)
	$(VENV)/bin/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/.dev  ## Look for what ruff finds
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .

types: $(VENV)/.dev  ## Check the types, strictly
	$(VENV)/bin/python -m mypy

contracts: $(VENV)/.dev  ## Check who may import whom
	$(VENV)/bin/lint-imports --no-cache

check: lint types contracts test  ## All of these

format: $(VENV)/.dev  ## Let ruff mend what it can
	$(VENV)/bin/python -m ruff check --fix .
	$(VENV)/bin/python -m ruff format .

bench: $(VENV)/.bench  ## Print a table of ratios: raw primitives against ours, in the same run
	$(VENV)/bin/python -m pytest tests/benchmarks --quiet --benchmark-quiet $(PYTEST_ARGS)

fuzz: $(VENV)/.fuzz  ## Fuzz every parser of untrusted bytes (SECONDS=600 for each, JOBS=2, TARGETS=...)
	$(VENV)/bin/python -m tests.fuzz.run --seconds $(SECONDS) --jobs $(JOBS) $(TARGETS)

CASES ?= 200000
differential: $(VENV)/.dev  ## Put CASES=200000 cases to other validators, and print where they differ from us
	$(VENV)/bin/python -m tests.oracles.differential $(CASES)

mutants: $(VENV)/.mutants  ## Break spiffesim/spiffe in small ways, and list what no test notices (SAMPLE=60 a module, MODULES=...)
	$(VENV)/bin/python -m tests.mutation --sample $(SAMPLE) --jobs $(JOBS) $(MODULES)

docs: $(VENV)/.dev  ## Make anew what is made of the code: docs/reference/api.md, rules.md and the picture
	$(VENV)/bin/python -m tests.docs.reference
	$(VENV)/bin/python -m tests.docs.requirements
	$(VENV)/bin/python -m tests.docs.picture

test-lowest: $(LOWEST)/.ready  ## Run the test suite with the oldest versions that pyproject.toml allows
	$(LOWEST)/bin/python -m pytest -n auto --dist worksteal -W default $(PYTEST_ARGS)

clean:  ## Remove what was made, except .venv
	rm -rf build dist $(LOWEST) .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks \
		.import_linter_cache
	find spiffesim tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python $(LOWEST)/bin/python:
	@test -n "$(PYTHON)" || { echo 'spiffesim needs Python >= 3.11 with venv; say which: make PYTHON=...' >&2; exit 1; }
	$(PYTHON) -m venv $(@D)/..

$(VENV)/.core: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) --editable '.[test,lint]'
	@touch $@ $(VENV)/.core

$(VENV)/.fuzz: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) --editable '.[fuzz]'
	@touch $@

$(VENV)/.mutants: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) --editable '.[mutants]'
	@touch $@

$(VENV)/.bench: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) --editable '.[bench]'
	@touch $@

# Every lower bound of a dependency, and of what spiffesim.extra needs, as the version itself.
BOUNDS := import re, tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*(re.sub(">=|~=", "==", need) for need in p["dependencies"] + p["optional-dependencies"]["spire-config"]))

$(LOWEST)/.ready: pyproject.toml | $(LOWEST)/bin/python
	$(LOWEST)/bin/python $(PIP) --editable '.[test]' $$($(LOWEST)/bin/python -c '$(BOUNDS)')
	@touch $@
