# Everything happens in this folder: the environment in .venv, test services in .services, data in var.

PYTHON ?= python3
ARGS ?=
# Tests mostly wait for real services: a few more at a time than there are cores.
WORKERS ?= 3

VENV := .venv
BIN := $(VENV)/bin
PINS := pyproject.toml constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.set-up-to-run ## the whole line on this machine: broker, collector, agent, page (ARGS=--demo for a made-up fleet)
	@$(BIN)/sobre up --data var/up $(ARGS)

.PHONY: test
test: check services ## set up, then all checks and tests (ARGS go to pytest)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

.PHONY: check
check: $(VENV)/.set-up-to-test ## ruff and mypy only
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

.PHONY: services
services: $(VENV)/.set-up-to-test ## the real services that tests use, unpacked in .services
	@$(BIN)/python tests/services/fetch.py

.PHONY: bench
bench: $(VENV)/.set-up-to-test services ## measure speed and size (docs/performance.md)
	@PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.set-up-to-test services ## kill, cut, stall and fill everything for ten minutes, and count (docs/chaos.md; SEED=7 again)
	@PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

.PHONY: coverage
coverage: $(VENV)/.set-up-to-test ## simulate whole fleets and hold the intervals against their truth (docs/coverage.md)
	@PYTHONPATH=tests $(BIN)/python -m coverage_study $(ARGS)

.PHONY: accuracy
accuracy: $(VENV)/.set-up-to-test ## score the estimates for PCs on ../shared/captures (docs/accuracy.md)
	@PYTHONPATH=tests $(BIN)/python -m accuracy $(ARGS)

.PHONY: devices
devices: $(VENV)/.set-up-to-test ## write the table of meters that are read (docs/devices.md)
	@PYTHONPATH=tests $(BIN)/python -m devices

.PHONY: clean
clean: ## remove what set-up and tools made; keeps var, your data
	rm -rf $(VENV) .services dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find agent collector drivers tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or later is needed; $(PYTHON) is not. Try: make PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo '$(PYTHON) cannot make environments. Try: apt install python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.set-up-to-run: $(PINS) | $(BIN)/python
	@echo 'setting up $(VENV) …'
	@$(INSTALL) -e '.[up]'
	@touch $@

# What tests need contains what a run needs.
$(VENV)/.set-up-to-test: $(PINS) | $(BIN)/python
	@echo 'setting up $(VENV) with the development tools …'
	@$(INSTALL) -e '.[dev]'
	@touch $(VENV)/.set-up-to-run $@
