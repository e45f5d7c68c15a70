# `make` lists the targets. It needs make and Python 3.11 to 3.14. Everything else is installed into
# .venv, in the versions and with the hashes of requirements.txt and requirements-dev.txt.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first of these that is a supported Python; `make PYTHON=/path/to/python3.13` names another.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c '$(SUPPORTED)' 2>/dev/null && echo $$python && break; done)
UV ?= uv
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# These files mark an installation, so that only a changed lock file installs again.
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

# Superset needs a different SQLAlchemy, so it gets an environment of its own.
SUPERSET := $(CURDIR)/target/superset

# dbt-bouncer asks for other versions of what dbt needs, so it has one too.
BOUNCER := $(CURDIR)/target/bouncer

# Spark is large and needs Java, so it is installed beside everything else, where it is asked for.
SPARK := $(CURDIR)/target/spark

# `make test` works in a folder of its own and ignores the settings of the shell.
TEST_DIR := $(CURDIR)/target/test
WITHOUT_SETTINGS := env $(addprefix -u ,RAW_INPUT RAW_DATA_DIR WAREHOUSE_PATH PUBLISH_DIR \
	AS_OF_DATE REPORTING_CURRENCY REPORTING_TIMEZONE ACTIVITY_WINDOW RAW_TIMEZONE DATE_ORDER \
	DECIMAL_MARK THREADS MEMORY_LIMIT MAX_SPILL VARS KEEP_BUILDS SKIP_AUDIT KEEP_EXPORTS \
	POSTGRES_URL POSTGRES_SCHEMA ERASURES_DIR \
	$(foreach prefix,DBT REFRESH EXPORT ERASE STATUS DIGEST,$(shell compgen -e $(prefix)_)))
IN_TEST_DIR := $(WITHOUT_SETTINGS) DBT_TARGET_PATH=$(TEST_DIR) DBT_PROFILES_DIR=$(TEST_DIR) \
	WAREHOUSE_PATH=$(TEST_DIR)/warehouse.duckdb

# One worker per core, at most four because each needs most of a gigabyte. All tests of a file run in
# one worker, which builds once for them. Files run in the order of their names: the default, most
# tests first, would leave the longest builds to the end. ARGS="-n 0" uses no workers.
PYTEST := $(WITHOUT_SETTINGS) $(BIN)/python -m pytest -n logical --maxprocesses 4 \
	--dist loadfile --no-loadscope-reorder
# On every core too. Python's warning about a lock that the workers leave behind is switched off.
SQLFLUFF := $(IN_TEST_DIR) $(BIN)/python -W ignore:resource_tracker -m sqlfluff

.PHONY: help build docs test test-report test-long test-nightly test-faults test-bi test-spark bouncer bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(INSTALLED) ## install what is missing, then build the warehouse and publish its marts (ARGS="--as-of 2024-06-30")
	$(BIN)/python -m python_helpers refresh $(ARGS)

docs: $(INSTALLED_DEV) ## make the site of the documentation, with every table and its lineage: target/site
	$(BIN)/python -m python_helpers docs $(ARGS)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "Open target/site/index.html in a browser."

test: $(INSTALLED_DEV) ## check style, types and SQL, then run every test that is not slow
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	@mkdir -p $(TEST_DIR)
	@cp profiles.example.yml $(TEST_DIR)/profiles.yml
	@echo "sqlfluff lint models analyses tests/singular"
	@$(SQLFLUFF) lint --processes 0 $(filter-out models/connectors,$(wildcard models/*)) analyses tests/singular
	@$(SQLFLUFF) lint --processes 0 --templater jinja --library-path tests/support/sqlfluff_macros models/connectors
	@echo "pytest"
	@$(PYTEST) -m "not long and not nightly and not faults and not bi and not browser and not spark" $(ARGS)

# Debian's Chromium, where there is none and this user may install it; the tests say if there is none.
test-report: $(INSTALLED_DEV) ## open the report in a browser, Debian's Chromium
	@mkdir -p target
	@command -v chromium > /dev/null || (apt-get update && apt-get install --yes --no-install-recommends \
		chromium) > target/chromium.log 2>&1 || echo "Chromium could not be installed."
	@$(PYTEST) -m browser $(ARGS)

test-long: $(INSTALLED_DEV) ## run the slow tests: simulations, erasures, exports to a server, hostile names
	@$(PYTEST) -m "long and not nightly and not spark" $(ARGS)

test-nightly: $(INSTALLED_DEV) ## run the slowest tests: random damage, late deliveries, planted faults, other time zones
	@$(PYTEST) -m nightly $(ARGS)

test-faults: $(INSTALLED_DEV) ## kill refreshes at random moments, fill the disk, break builds; readers must not notice
	@$(WITHOUT_SETTINGS) $(BIN)/python -m pytest -m "faults and not spark" $(ARGS)

test-bi: $(INSTALLED_DEV) $(SUPERSET)/.installed ## install a Superset into target/superset, and import the dashboard of docs/superset
	@$(WITHOUT_SETTINGS) SUPERSET=$(SUPERSET) $(BIN)/python -m pytest -m bi $(ARGS)

# Java comes from Debian, where there is none and this user may install it; the tests say if there is none.
test-spark: $(SPARK)/.installed ## install Spark into target/spark, build the sample on both engines, and compare every mart
	@command -v java > /dev/null || (apt-get update && apt-get install --yes --no-install-recommends \
		default-jre-headless) > target/java.log 2>&1 || echo "Java could not be installed."
	@$(WITHOUT_SETTINGS) $(SPARK)/bin/python -m pytest -m "spark and not long and not faults" $(ARGS)

bouncer: $(INSTALLED) $(BOUNCER)/.installed ## install dbt-bouncer into target/bouncer, and check the project against the rules of dbt-bouncer.yml
	@mkdir -p $(BOUNCER)/project
	@cp profiles.example.yml $(BOUNCER)/project/profiles.yml
	@$(WITHOUT_SETTINGS) DBT_PROFILES_DIR=$(BOUNCER)/project DBT_TARGET_PATH=$(BOUNCER)/project \
		DBT_LOG_PATH=$(BOUNCER)/project $(BIN)/dbt --quiet parse
	@$(BOUNCER)/bin/dbt-bouncer run --show-all-failures $(ARGS)

bench: $(INSTALLED) ## time the build of ten million orders (ARGS="--customers 100000" is a smaller one)
	@$(WITHOUT_SETTINGS) $(BIN)/python -m benchmarks.run $(ARGS)

lock: ## lock what pyproject.toml asks for, with hashes (needs uv; ARGS=--upgrade takes newer versions)
	@command -v $(UV) > /dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	$(COMPILE) $(ARGS) --extra dev pyproject.toml -o requirements-dev.txt
	$(COMPILE) -c requirements-dev.txt pyproject.toml -o requirements.txt
	$(COMPILE) -c requirements-dev.txt --extra spark pyproject.toml -o requirements-spark.txt

clean: ## remove what builds and tests leave behind; the warehouse and what is published stay
	rm -rf target logs .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

COMPILE := $(UV) pip compile --generate-hashes --no-strip-extras --no-header --no-emit-index-url \
	--no-emit-find-links --python-version 3.11 --quiet

$(BIN)/python:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c '$(SUPPORTED)' || { \
		echo "Python 3.11 to 3.14 is needed. Name one: make PYTHON=/path/to/python3.13"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The command `lifecycle`. pip would fetch a build backend to install the project itself, and no lock
# file has its hash; a launcher that knows where the project is does the same.
$(BIN)/lifecycle: Makefile | $(BIN)/python
	@printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'import sys' \
		'sys.path.insert(0, "$(CURDIR)")' 'from python_helpers.cli.main import main' 'main()' > $@
	@chmod +x $@

$(INSTALLED): requirements.txt | $(BIN)/python $(BIN)/lifecycle
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(BOUNCER)/.installed: Makefile | $(BIN)/python
	$(BIN)/python -m venv --clear $(BOUNCER)
	$(BOUNCER)/bin/python -m pip install --quiet --disable-pip-version-check dbt-bouncer==4.3.0 || { \
		echo "dbt-bouncer 4.3.0 cannot be installed here, so its rules are not checked."; exit 1; }
	@touch $@

$(SPARK)/.installed: requirements-spark.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m venv --clear $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r requirements-dev.txt
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r requirements-spark.txt
	@touch $@

$(SUPERSET)/.installed: tests/docs/superset/requirements.txt | $(BIN)/python
	$(BIN)/python -m venv --clear $(SUPERSET)
	$(SUPERSET)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
