# Everything a fresh machine needs: `make demo`, `make test`. The command stands at .venv/bin/cowalk afterwards.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
DATA := $(wildcard ../shared/data)
ifneq ($(DATA),)
export COWALK_DATA ?= $(abspath $(DATA))
endif

.PHONY: help setup demo test lint format docs bench page clean

help:
	@echo "make setup   .venv with cowalk in it (the command is .venv/bin/cowalk)"
	@echo "make demo    set up, then run 'cowalk demo'"
	@echo "make test    format check, lint, types and all tests"
	@echo "make lint    format check, lint and types only"
	@echo "make format  format the code"
	@echo "make docs    build the pages into site/"
	@echo "make bench   set up what the scripts in benchmarks/ need and list them"
	@echo "make page    bundle the page of cowalk serve anew (needs npm and Chromium); what it makes is committed"
	@echo "make clean   remove .venv and everything built"

# An empty stamp file stands for each set of extras, so that a second call is quick.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[map]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,map]'
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

# Peers stand in an environment of their own: PecanPy needs numpy below 2, cowalk needs 2 or above.
$(PEERS)/.ready: benchmarks/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

setup: $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/cowalk demo

lint: $(VENV)/.test
	$(BIN)/ruff format --check src tests $(wildcard benchmarks docs/*.py)
	$(BIN)/ruff check src tests $(wildcard benchmarks docs/*.py)
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2

format: $(VENV)/.test
	$(BIN)/ruff check --fix src tests $(wildcard benchmarks docs/*.py)
	$(BIN)/ruff format src tests $(wildcard benchmarks docs/*.py)

docs: $(VENV)/.docs
	$(BIN)/python docs/make_reference.py
	$(BIN)/mkdocs build --strict

bench: $(VENV)/.demo $(PEERS)/.ready
	@echo "run one with: $(BIN)/python benchmarks/NAME.py [--quick]; NAME is one of"
	@echo "  walks learning sideinfo memory quality weights; then benchmarks/report.py writes docs/benchmarks.md"

# src/cowalk/serve/static is committed, so nothing else needs this.
page:
	cd src/cowalk/serve/page && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

clean:
	rm -rf $(VENV) $(PEERS) build dist site demo .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
