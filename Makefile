# The ways into touchline from a checkout. Needs make and a Python 3.11 or newer with venv; all else goes into .venv.
#
#   make run ARGS="--port 8091"      options for `touchline demo`
#   make test ARGS="-k calendar"     options for pytest
#   make faults SEED=7 KILLS=20      ARGS="--workers 4 --touchpoints 100000"
#   make bench ARGS="--rows catch_up --peers faust --repeat 1"
#   make run PYTHON=/opt/python3.12  another interpreter (used when .venv is created)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint compile format cover faults soak bench clean

ARGS ?=
# Tests wait more than they count: one process more than there are cores.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Wheels exist for these; an interpreter counts when it starts, is new enough and can make an environment.
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3.13 python3 python)
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed ## install what is missing and start touchline with a simulated organisation, until Ctrl-C
	-@$(BIN)/python -m pipeline.compiled
	@exec $(BIN)/touchline demo --data data $(ARGS)

# What holds of the compiled core holds of its sources: the laws again, and the mutants, which need sources to change.
PURE := tests/core tests/measures tests/faults/simulation/test_simulation.py::test_the_simulation_catches

test: lint compile ## lint, types, import contracts, then every test (of the core twice: compiled, and as it is written)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS) || { echo "make test: FAILED in the tests, see above." >&2; exit 1; }
	@$(if $(ARGS),,TOUCHLINE_PURE=true $(BIN)/python -m pytest -n $(JOBS) $(PURE) || { \
		echo "make test: FAILED in the tests of the core in pure Python, see above." >&2; exit 1; })
	@echo "make test: all good (lint, format, types, import contracts, tests)."

lint: $(VENV)/installed-dev ## ruff, mypy --strict and the import contracts
	@failed=(); \
	step() { echo "make lint: $$*"; "$(BIN)/$$1" "$${@:2}" || failed+=("$$*"); }; \
	step ruff check --quiet --output-format concise; \
	step ruff format --check --quiet --output-format concise; \
	step mypy; \
	step lint-imports --no-logo; \
	if (($${#failed[@]})); then printf 'make lint: FAILED in %s\n' "$${failed[@]}" >&2; exit 1; fi

compile: $(VENV)/installed-dev ## compile the core with mypyc, if it has changed; without a C compiler it stays as it is
	@$(BIN)/python -m pipeline.compiled

format: $(VENV)/installed-dev ## repair what ruff can repair, and format
	@$(BIN)/ruff check --fix --silent --exit-zero .
	@$(BIN)/ruff format .

cover: $(VENV)/installed-dev ## the tests again, then which lines and branches no test runs
	@TOUCHLINE_PURE=true $(BIN)/python -m coverage run -m pytest --quiet $(ARGS)
	@$(BIN)/python -m coverage report

faults: compile ## kill workers, ClickHouse and Kafka under load, then count again (needs Java, mvn, clickhouse-server)
	@$(BIN)/python -m tests.faults.servers $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS)) $(ARGS)

soak: $(VENV)/installed-dev ## ten minutes of valid, invalid and hostile requests, then count what is stored (SECONDS=n SEED=n)
	@$(BIN)/python -m tests.receiving.soak $(if $(SEED),--seed $(SEED)) --seconds $(or $(SECONDS),600)

bench: compile ## measure every promise of speed, with other frameworks beside us: docs/speed.md (needs Java, mvn, clickhouse-server)
	@$(BIN)/python -m tests.bench $(ARGS)

clean: ## remove .venv, caches and build products; ./data stays
	rm -rf $(VENV) .venv-bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	rm -rf pipeline/compiled/core pipeline/compiled/measures pipeline/compiled/made.json pipeline/compiled/*.so
	find agents dashboards pipeline schemas tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment itself.
$(BIN)/python:
	@for candidate in $(CANDIDATES); do \
		if "$$candidate" -c '$(USABLE)' 2>/dev/null; then \
			echo "touchline: creating $(VENV) with $$("$$candidate" --version)"; \
			"$$candidate" -m venv $(VENV); exit; \
		fi; \
	done; \
	echo "touchline: no Python 3.11 or newer with venv among: $(CANDIDATES)." \
		"Install one (Debian: apt-get install python3 python3-venv) or name one: make run PYTHON=/path/to/python3.11" >&2; \
	exit 1

# Stamps: the installation is repeated only when the pins or the project's declaration change.
# The project is installed in place, so a changed source file needs no new installation.
$(VENV)/installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "touchline: installing $$(grep -c == requirements.txt) packages (a few minutes the first time)"
	@$(PIP) install --requirement requirements.txt
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "touchline: installed"

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "touchline: installing $$(grep -c == requirements-dev.txt) packages for tests"
	@$(PIP) install --requirement requirements-dev.txt
	@touch $@
