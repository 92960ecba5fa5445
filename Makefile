# SPDX-License-Identifier: MIT
# `make demo` and `make test` do their own set-up. ARGS passes more on:
#   make test ARGS="-k conv"        make demo ARGS="--help"        make PYTHON=python3.12 setup

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
ARGS ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check format bench lock clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the pinned packages; install Debian's compilers where allowed
	@bash scripts/setup

demo: setup ## train, quantise, compile and run a network on an emulated Cortex-M4
	@$(BIN)/milliwatt demo $(ARGS)

test: setup ## run the tests, without the slow ones
	@$(PYTEST) -n auto --maxprocesses 4 --dist worksteal $(ARGS)

test-slow: setup ## run the slow tests only
	@$(PYTEST) -n auto --maxprocesses 4 --dist worksteal -m slow $(ARGS)

check: setup ## lint, format, strict types, tests, and no benchmark figure worse than committed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(PYTEST) -n auto --maxprocesses 4 --dist worksteal $(ARGS)
	@$(BIN)/python -m bench --check

format: setup ## rewrite the sources in the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## measure the benchmark's networks again; writes bench/ and the README's table
	@$(BIN)/python -m bench $(ARGS)
	@scripts/readme-bench

lock: ## resolve requirements/lock.txt again (needs uv)
	@scripts/lock $(ARGS)

clean: ## remove build outputs and caches
	@rm -rf build dist out .pytest_cache .ruff_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## remove .venv too
	@rm -rf .venv
