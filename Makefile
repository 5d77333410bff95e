# The manual of everyday work. A newcomer types `make demo` and `make test`; the rest is for those who build.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONWARNINGS ?= default

.PHONY: help demo test setup setup-dev check format lint types contracts fast bench screenshots lock clean

# List the recipes.
help:
	@awk '/^# /{c=substr($$0,3)} /^[a-z-]+:/{split($$1,a,":"); if(c) printf "  %-12s %s\n", a[1], c; c=""}' $(MAKEFILE_LIST)

# Watch the main job run: engines, an emulated plant, the platform, and orders that come in. Ctrl-C stops it all.
demo: setup
	@exec $(BIN)/batchone demo $(DEMO)

# Everything that CI runs: unit, engine, peer, story, fault and browser tests, with a progress line.
test: setup-dev
	@$(BIN)/pytest $(TESTS)

# The environment from the lock file, and the pages' files from theirs. Does nothing when nothing changed.
setup: $(VENV)/.installed
	@$(BIN)/python -m batchone.web.assets

# The same with the tools of those who build.
setup-dev: setup $(VENV)/.installed-dev

# uv installs the same locked files many times faster; pip stands in where it cannot reach the package index.
$(VENV)/.installed: requirements.txt requirements-bootstrap.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing locked packages" >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.txt \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "installing locked tools" >&2
	@$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements-dev.txt \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m batchone.chain.planning.solvers.warm
	@touch $@

# Before every commit: format, lint, types, import contracts, fast tests.
check: setup-dev format lint types contracts fast

# Format the sources.
format:
	@$(BIN)/ruff format -q src tests benchmarks

# Lint the sources.
lint:
	@$(BIN)/ruff check src tests benchmarks

# Check the types, strictly.
types:
	@$(BIN)/mypy

# Check who may import whom.
contracts:
	@$(BIN)/lint-imports

# Tests that need no engine, browser, peer or story, and no more than a few seconds each.
fast:
	@$(BIN)/pytest -q -m "not slow and not engine and not browser and not peer and not story and not fault"

# Measure; prints tables and the machine they were measured on.
bench: setup-dev
	@$(BIN)/python -m benchmarks $(BENCH)

# Write a picture of every page, theme, width and language into ./screenshots.
screenshots: setup-dev
	@$(BIN)/python tests/browser/shots.py

# Resolve the lock files anew.
lock:
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url pyproject.toml build-requirements.in -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --group dev -c requirements.txt -o requirements-dev.txt
	@echo uv | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url - -o requirements-bootstrap.txt

# Forget the environment and what was built; data in BATCHONE_HOME stays.
clean:
	@rm -rf $(VENV) node_modules build dist src/batchone/web/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis
