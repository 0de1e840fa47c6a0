# Two commands matter: `make demo` and `make test`. Each makes .venv from the hashed lock when it is missing or old.
PYTHON ?= python3
BIN := .venv/bin
RUNS ?= 1000000
WORKERS ?= 2
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
# Tests start hundreds of processes: where this is set, each would compile all the source for itself.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check bench fuzz conformance bundle bundle-test lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   a whole county on this machine, live; about two minutes"
	@echo "make test   all tests, in two processes; WORKERS=0: in one, as for a debugger"
	@echo "make check  lint, types, architecture"
	@echo "make bench  speed beside its floor (design: tests/benchmarks)"
	@echo "make conformance  write docs/conformance.md anew: clause, code, test, gap"
	@echo "make fuzz   hostile bytes for every entry point, RUNS=1000000 each, FUZZ=\"TARGET...\"; goes on where it ended"
	@echo "make bundle KEY=FILE  one signed archive (SM2) for servers without a network, in build/bundle"
	@echo "make bundle-test      the whole of it built, installed without an index, a demo run from it; three minutes"
	@echo "make lock   write the hashed locks anew (needs uv)"

.venv/runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ebcd needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements-dev.lock .venv/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: .venv/runtime
	$(BIN)/ebcd demo $(DEMO)

test: .venv/dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

bench: .venv/dev
	$(BIN)/python -m tests.benchmarks $(BENCH)

conformance: .venv/dev
	$(BIN)/python -m tests.conformance

fuzz: .venv/dev
	nice $(BIN)/python -m tests.fuzz --runs $(RUNS) $(FUZZ)

bundle: .venv/runtime
	$(BIN)/python bundle/build.py --key "$(KEY)"

bundle-test: .venv/dev
	EBCD_TEST_BUNDLE=1 $(BIN)/python -m pytest tests/test_bundle.py

lock:
	uv pip compile $(LOCK) --output-file requirements.lock pyproject.toml
	uv pip compile $(LOCK) --output-file requirements-dev.lock --group dev pyproject.toml

clean:
	rm -rf .venv build *.egg-info
