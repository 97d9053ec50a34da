# All set-up is here: a fresh machine needs Python ≥ 3.11, git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A server and the tests start many processes, each of which would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve build test lint types unit tools bench docs clean
.PHONY: test-browser test-slow test-operations test-spark test-clients

# The sources of the front end, which the build hook hatch_build.py reads.
WEB := hatch_build.py web/package-lock.json web/build.mjs $(wildcard web/src/*.* web/src/*/*.*)

# Other people's clients in JavaScript, where Node is.
NODE_CLIENTS := tests/clients/node_modules

help:            ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/installed  ## install, build a release if anything changed, serve it: http://127.0.0.1:8000, or CITYGRAPH_PORT
	@exec $(BIN)/citygraph serve --build

build: $(VENV)/installed  ## publish a release from data/ and ontology/
	@$(BIN)/citygraph build

# mypy uses one core, at a time when the tests do not need both.
test: lint                ## lint, types and tests
	@$(MAKE) --jobs 2 --no-print-directory types unit

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed-dev
	$(BIN)/mypy

# One process more than two cores: tests wait for servers and limits of time. With four, a limit of hostile requests was missed.
unit: $(VENV)/installed-dev tools
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 25

# Chromium and nginx for the tests, where apt-get may install them.
tools:
	@tests/tools.sh

test-browser: $(VENV)/installed-dev tools  ## the pages in a browser: scripts, accessibility, layout
	$(BIN)/pytest tests/browser --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 10

test-slow: $(VENV)/installed-dev tools  ## tests that take longer than twenty seconds each
	$(BIN)/pytest -m slow --numprocesses auto --maxprocesses 4 --dist loadfile --durations 5

test-operations: $(VENV)/installed-dev tools  ## kills, several servers, other stores, containers: minutes each
	@tests/operations/tools.sh
	$(BIN)/pytest -m operations --numprocesses 0 --durations 10

test-spark: $(VENV)/installed-spark  ## dumps of Wikidata on Apache Spark, beside one machine; Java from Debian
	@tests/wikidata/java.sh
	$(BIN)/pytest tests/wikidata/test_spark.py --durations 5

test-clients: $(VENV)/installed-clients $(NODE_CLIENTS)/installed  ## other people's clients against a running site
	$(BIN)/pytest tests/clients --durations 10

bench: $(VENV)/installed-bench  ## speed beside native oxigraph and rdflib-endpoint, as ratios
	$(BIN)/python -m bench
	$(BIN)/python -m bench.lookup
	$(BIN)/python -m bench.commits
	$(BIN)/python -m bench.sheets
	$(BIN)/python -m bench.builds
	$(BIN)/python -m bench.documents
	$(BIN)/python -m bench.starting
	$(BIN)/python -m bench.validation
	$(BIN)/python -m bench.waiting
	$(BIN)/python -m bench.first_byte
	$(BIN)/python -m bench.counting

docs: $(VENV)/installed-docs  ## the documentation as a site, in var/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "to view it: $(BIN)/mkdocs serve"

clean:           ## remove what was installed and built
	rm -rf $(VENV) var web/node_modules $(NODE_CLIENTS) src/citygraph/web/static/built .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "citygraph needs Python 3.11 or newer; name one: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml $(WEB) | $(BIN)/python
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(WEB) | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-docs: pyproject.toml $(WEB) | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[docs]'
	@touch $@ $(VENV)/installed

# Spark is large: where it cannot be fetched, its tests are skipped with the reason.
$(VENV)/installed-spark: pyproject.toml $(WEB) | $(VENV)/installed-dev
	@$(BIN)/pip install --quiet --editable '.[dev,spark]' && touch $@ || echo "pyspark cannot be installed: SPARK IS NOT TESTED"

$(VENV)/installed-clients: pyproject.toml $(WEB) | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[dev,clients]'
	@touch $@ $(VENV)/installed $(VENV)/installed-dev

$(NODE_CLIENTS)/installed: tests/clients/package-lock.json
	@mkdir -p $(@D)
	@if command -v npm > /dev/null; then \
	  npm ci --prefix tests/clients --ignore-scripts --loglevel error && touch $@ \
	  || echo "npm cannot install the clients in JavaScript: they are skipped"; \
	else echo "npm is not installed: the clients in JavaScript are skipped"; fi

$(VENV)/installed-bench: pyproject.toml $(WEB) | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[dev,bench]'
	@touch $@ $(VENV)/installed $(VENV)/installed-dev
