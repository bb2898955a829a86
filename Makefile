# What can be done with a checkout: `make` alone lists it.
.DEFAULT_GOAL := help

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
PYTEST := $(PY) -m pytest -n 2 --dist worksteal -q
QUICK := not kafka and not slow
unexport PYTHONDONTWRITEBYTECODE  # tests start Huike hundreds of times: it is compiled once

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/.run  ## a shop's year, loaded and served, from nothing
	@exec .venv/bin/huike demo

.PHONY: install
install: .venv/.dev  ## only prepare .venv

.PHONY: test
test: install static  ## format, lint, types, imports and every test, on real Postgres and Kafka
	@[ -n "$$HUIKE_TEST_KAFKA" ] || $(PY) -m infra.dev.kafka_install
	@$(PYTEST)

.PHONY: check
check: install static  ## the quick part of `make test`, without Kafka
	@$(PYTEST) -m "$(QUICK)"

.PHONY: static
static: install
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@.venv/bin/lint-imports

.PHONY: bench
bench: install  ## measure it
	@exec .venv/bin/huike bench

.PHONY: drills
drills: install  ## do it harm, before a release: half an hour; one: .venv/bin/python -m tests.drills NAME
	@$(PY) -m infra.dev.kafka_install
	@exec $(PY) -m tests.drills

.PHONY: docs
docs: install  ## write the generated pages of the reference
	@$(PY) -m docs.generate

.PHONY: lock
lock: | venv  ## newest versions into constraints.txt
	@rm -rf .venv/lock
	@$(PY) -m venv .venv/lock
	@.venv/lock/bin/python -m pip --disable-pip-version-check --quiet install -e '.[dev,sbom]'
	@{ echo '# Exact versions, made by `make lock`.'; \
	   .venv/lock/bin/python -m pip --disable-pip-version-check list --format=freeze --exclude-editable \
	     | grep -Ev '^(pip|setuptools|wheel|huike)==' | LC_ALL=C sort -f; } > constraints.txt
	@rm -rf .venv/lock

.PHONY: sbom
sbom: | venv  ## write sbom.json (CycloneDX): every package that an installation runs
	@rm -rf .venv/sbom && mkdir .venv/sbom
	@for part in huike tool; do $(PY) -m venv .venv/sbom/$$part; done
	@.venv/sbom/huike/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt .
	@.venv/sbom/tool/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt cyclonedx-bom
	@.venv/sbom/huike/bin/python -m pip --quiet uninstall -y pip setuptools
	@.venv/sbom/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  -o sbom.json .venv/sbom/huike/bin/python
	@rm -rf .venv/sbom

.PHONY: clean
clean:  ## remove everything that was made, the demo's data too
	@rm -rf .venv .huike .huike-dev dist build sbom.json .*_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Stamps: what was installed last, so that a second `make` has nothing to do.
.venv/.run: pyproject.toml constraints.txt | venv
	@echo 'Installing Huike into .venv'
	@$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | venv
	@echo 'Installing Huike and its tools into .venv'
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch .venv/.run $@

.PHONY: venv
venv:
	@if $(PY) -m pip --version >/dev/null 2>&1; then exit 0; fi; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    exec $$python -m venv --clear .venv; \
	  fi; \
	done; \
	echo 'Huike needs Python 3.11 or later with its venv module' \
	     '(on Debian: apt-get install python3-venv); name one with make PYTHON=...' >&2; \
	exit 1
