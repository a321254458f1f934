# A bare `make` lists what there is. Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
# Extras that the tests use, by the lock.
EXTRAS := $(addprefix --extra ,adbc dashboard mlflow opentelemetry text)
BIN := $(VENV)/bin
RUN := $(VENV)/.run-stamp
DEV := $(VENV)/.dev-stamp

.PHONY: help demo test check test-system test-airflow bench lock messages clean

help:
	@echo "make demo          the whole loop on bundled real data"
	@echo "make test          install what the tests need, lint, types, all tests but those of test-airflow"
	@echo "make check         lint and types only"
	@echo "make test-system   only the tests with real processes and servers"
	@echo "make test-airflow  only those with a whole Airflow: local, Celery on Redis and RabbitMQ, pods"
	@echo "make bench         measure; ONLY=wheel|data|learning|serving|airflow|trust|pages for one family"
	@echo "make lock          resolve the dependencies anew"
	@echo "make messages      gather the pages' texts into the catalogues of their languages"

demo: $(RUN)
	$(BIN)/noria demo

test: check
	$(BIN)/python tests/servers.py
	$(BIN)/pytest -n 2 --dist loadgroup -m "not stack"

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-system: $(DEV)
	$(BIN)/python tests/servers.py
	$(BIN)/pytest -n 2 --dist loadgroup -m "system and not stack"

test-airflow: $(DEV)
	$(BIN)/python tests/servers.py
	$(BIN)/pytest -n 2 --dist loadfile -m stack

bench: $(DEV)
	$(BIN)/python -m benchmarks $(ONLY)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "noria needs Python 3.11 or newer"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -yq --no-install-recommends python3-venv; \
	  else echo "the package python3-venv is missing: install it"; exit 2; fi; }
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.lock pyproject.toml | $(BIN)/python
	@test -e $(DEV) || $(BIN)/python -m pip install -q --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -qq -j 2 $(VENV)/lib src || true
	@touch $@

$(DEV): requirements/dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install -q -r requirements/torch.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -qq -j 2 $(VENV)/lib src || true
	@touch $@

# Versions and hashes, and nothing about where they come from.
COMPILE := uv pip compile --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q

lock:
	$(COMPILE) pyproject.toml --group dev --group build $(EXTRAS) -o requirements/dev.lock
	$(COMPILE) pyproject.toml --group build -c requirements/dev.lock -o requirements/run.lock
	$(COMPILE) requirements/kserve.txt -o requirements/kserve.lock
	$(COMPILE) requirements/airflow.txt -o requirements/airflow.lock

# The pages' messages, gathered into both catalogues; what is new in Chinese is to be translated there.
POT := $(VENV)/noria.pot
messages: $(DEV)
	cd src/noria/ui && $(CURDIR)/$(BIN)/pybabel -q extract -F locale/babel.cfg -k marked -k ngettext:1,2 --no-location --sort-output -o $(CURDIR)/$(POT) .
	$(BIN)/pybabel -q update -i $(POT) -d src/noria/ui/locale -D noria --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 118
	$(BIN)/python -c "from noria.ui.language import complete; complete()"

clean:
	rm -rf $(VENV) .venv-airflow .venv-airflow.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis
