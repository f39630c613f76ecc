# `make help` lists what there is. The first call makes .venv; later ones find it ready.

VENV := .venv
INSIDE := $(VENV)/bin/python
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
SETTINGS := pyproject.toml scripts/setup

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench fuzz soak simulate oracles docs clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(READY) ## five nodes found a council, talk and decide, here and now
	@$(VENV)/bin/moot demo $(ARGS)

test: $(READY_DEV) ## lint, types and every test, with full branch coverage of protocol/
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(INSIDE) -m pytest -n 2 --dist loadgroup --cov --cov-report=term $(ARGS) || status=1; \
	exit $$status

lint: $(READY_DEV) ## ruff and mypy --strict over code and tests
	@$(INSIDE) -m ruff check .
	@$(INSIDE) -m ruff format --check .
	@$(INSIDE) -m mypy

format: $(READY_DEV) ## put the code into the house's form
	@$(INSIDE) -m ruff check --fix-only --quiet .
	@$(INSIDE) -m ruff format .

bench: $(READY_DEV) ## measure, as ratios to raw references taken in the same run
	@$(INSIDE) -m bench $(ARGS)

simulate: $(READY_DEV) ## long runs: 100,000 counts, councils on 300 nodes from five seeds, the property tests
	@$(INSIDE) -m tests.simulation.count --counts 100000
	@$(INSIDE) -m tests.simulation --nodes 300 --seeds 5
	@$(INSIDE) -m pytest -n 2 --hypothesis-profile=thorough tests/property $(ARGS)

fuzz: $(READY_DEV) ## hostile input for everything that reads what others wrote: ARGS="--inputs 1000000"
	@$(INSIDE) -m tests.fuzz $(ARGS)

soak: $(READY_DEV) ## seven nodes on bad lines, cut and killed: ARGS="--minutes 60 --kills 100"
	@$(INSIDE) -m tests.soak $(ARGS)

oracles: $(READY_DEV) ## count many elections here and with other libraries, and compare
	@$(INSIDE) tests/oracles/run.py $(ARGS)

docs: $(READY_DEV) ## write the command reference, check links, build the pages
	@$(INSIDE) -m scripts.docs

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) $(VENV)-oracles build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(READY): $(SETTINGS)
	@scripts/setup $(VENV) .
	@touch $@

$(READY_DEV): $(SETTINGS)
	@scripts/setup $(VENV) '.[dev]'
	@touch $(READY) $@
