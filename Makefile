# Two commands do everything, set-up included: `make run` and `make test`.

PYTHON ?= python3
VENV   ?= .venv
FILE   ?= tests/fixtures/gespraech.opus
OUT    ?= nachlese-out
DIR    ?= tests/fixtures
ARGS   ?=
# Tests that run at once, a file each: most of them wait for a server, a worker or a clock.
SIDE   ?= 4

BIN   := $(VENV)/bin
READY := $(VENV)/.ready
TESTS := $(VENV)/.ready-for-tests
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run up test check bench evaluate show soak format setup clean

help: ## What there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: $(READY) ## The main job: FILE=… (default: the bundled conversation) into OUT=…
	@$(BIN)/nachlese run --out '$(OUT)' $(ARGS) '$(FILE)'

up: $(READY) ## Everything on this machine: S3 server, broker, intake and a worker
	@$(BIN)/nachlese up $(ARGS)

test: $(TESTS) ## Lint, types and all tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n $(SIDE) --dist loadfile $(ARGS)

check: $(TESTS) ## Lint and types alone
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(TESTS) ## Speed, memory and errors beside the bare engines, WhisperX and pyannote.audio, as ratios of one run
	@$(BIN)/python -m pytest tests/benchmarks -m bench -s --no-header -q $(ARGS)

evaluate: $(TESTS) ## Score the recordings of DIR=… by the references beside them
	@$(BIN)/nachlese evaluate '$(DIR)' $(ARGS)

show: $(TESTS) ## What is claimed, measured: DIR=…, then names, foreign readers of every format, planted errors, quotes
	@$(BIN)/nachlese evaluate '$(DIR)' $(ARGS)
	@$(BIN)/python -m pytest -q -s --no-header tests/integration/test_names.py tests/integration/test_formats.py tests/planted
	@$(BIN)/python tests/verify_quotes.py nachlese-evaluation

soak: $(TESTS) ## A fleet whose processes are killed for minutes; prints what it saw
	@$(BIN)/python -m pytest tests/soak -m soak -s --no-header -q $(ARGS)

format: $(TESTS) ## Put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

setup: $(TESTS) ## Set up without running anything

clean: ## Remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Made anew when what is installed changes.
$(READY): pyproject.toml config/requirements.lock config/torch.lock config/weights.lock.toml config/setup.sh
	@PYTHON='$(PYTHON)' VENV='$(VENV)' sh config/setup.sh
	@touch $@

$(TESTS): $(READY) config/test.lock
	@VENV='$(VENV)' sh config/setup.sh test
	@touch $@
