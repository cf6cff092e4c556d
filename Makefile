# Everything a developer needs, on a machine with Python 3.11, make and the package registry:
#
#   make run      the server on http://127.0.0.1:8080, with both examples
#   make test     the whole test suite
#   make soak     the simulation with fresh seeds, for SECONDS=600
#   make console  the web console, if its sources have changed; `make run` and `make test` do it too
#   make check    formatting, lint, types, import directions: what CI checks before the tests
#   make bench    the benchmarks, or some: BENCHMARKS="council pauses" ARGS="--quick"
#   make clean    remove everything that was made here, except stored sessions

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
BENCH_READY := $(VENV)/.ready-bench

HOST ?= 127.0.0.1
PORT ?= 8080
SECONDS ?= 600
BENCHMARKS ?= actors workloads council fan_out pauses recovery waiting
DATA ?= sessiond-data
STORE ?= sqlite:///$(DATA)/sessions.db

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install console run test soak check bench clean

help:
	@sed -n 's/^#   //p' Makefile

install: $(READY_DEV)

# Set up again only when what is to be installed has changed.
$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "sessiond needs Python 3.11 or newer; say which: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --editable .
	@touch $@

$(READY_DEV): $(READY)
	@echo "adding what tests and checks need …"
	@$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

# Itself finds out whether anything has changed.
console: $(READY)
	@$(BIN)/python console/make/bundle.py

run: console
	@mkdir -p $(DATA)
	@sed -e 's/PORT/$(PORT)/g' -e 's/HOST/$(HOST)/g' examples/try.txt
	@exec $(BIN)/sessiond serve --host $(HOST) --port $(PORT) --store '$(STORE)' \
		--workflow examples/council_debate.yaml --workflow examples/council_optimize.yaml

test: $(READY_DEV) console
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

soak: $(READY_DEV)
	@$(BIN)/python -m tests.simulation --seconds $(SECONDS)

check: $(READY_DEV) console
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=.ns $(BIN)/lint-imports
	$(BIN)/python console/make/bundle.py check

$(BENCH_READY): $(READY_DEV)
	@$(BIN)/pip install --quiet --editable '.[dev,bench]'
	@touch $@

bench: $(BENCH_READY)
	@for script in $(BENCHMARKS); do \
		echo; echo "== $$script"; $(BIN)/python benchmarks/$$script.py $(ARGS); \
	done

clean:
	rm -rf $(VENV) gateway/console console/node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
