# Everything works on a fresh clone with Python 3.11 or newer and make; uv is used when it is there.
# `make PYTHON=python3.13 ...` chooses the interpreter, `make T=tests/core test` what is tested.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
CHROMIUM ?= $(firstword $(wildcard $(addprefix /usr/bin/,chromium chromium-browser google-chrome)))
NODE_DIR := tests/providers/node
NEIGHBOURS := tests/neighbours/requirements.txt
CANAILLE_REQUIREMENTS := tests/providers/canaille/requirements.txt
BENCH_STAMPS := $(patsubst benchmarks/peers/%.txt,.venv-bench-%/.stamp,$(wildcard benchmarks/peers/*.txt))
BENCH_LIBRARY := .venv-bench-ours/.stamp-library .venv-bench-ours-httpx2/.stamp-library

RUN := .venv/bin/python -m
PYTEST := $(RUN) pytest $(if $(OIDC_NO_SKIPS),-p tests.no_skips)
# the deprecation warnings of other packages must not fail these tests
PYTEST_BESIDE := .venv-neighbours/bin/python -m pytest -W default $(if $(OIDC_NO_SKIPS),-p tests.no_skips)
SPHINX := .venv-docs/bin/python -m sphinx --fail-on-warning --keep-going --quiet -E
# one process for each processor: two are twice as fast, and more than four are not worth their start
IN_PARALLEL := -n auto --maxprocesses 4
# tests/sampling.py says what is chosen; `SALT=... make test` repeats a failure
SALT ?= $(shell date +%F)
export SALT
# the application that conformance suites drive is tested by make test-all
SAMPLED := $(IN_PARALLEL) -p tests.sampling --hypothesis-profile dev --ignore tests/conformance
# the minimum version of Hypothesis can't run state machines with a seed
REPEATABLE := $(SAMPLED) --hypothesis-seed $(SALT)
WHOLE := $(IN_PARALLEL) --hypothesis-profile ci
# without compiled files each process compiles the tests again, which takes it 15 s
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all coverage lint lint-project types check providers browser stores neighbours lowest bench docs docs-links format clean need-node need-chromium need-redis need-wrk

help:
	@echo "make demo        a login in a Flask and in a Quart app, at a real provider (ONCE=1: prove it and end)"
	@echo "make test        a sample of the tests, another one each day (SALT=... repeats it); needs nothing but Python"
	@echo "make test-all    all of these tests, in ten minutes"
	@echo "make coverage    make test, and which lines and branches it runs: the total, and the ten least covered files"
	@echo "make lint        ruff, and the check of words"
	@echo "make lint-project  the workflows, the issue forms and the distributions"
	@echo "make types       mypy and pyright, both strict; and the code in the documentation"
	@echo "make check       lint, types and test"
	@echo "make providers   login and logout at real providers (needs Node.js and redis-server)"
	@echo "make browser     the same in a real browser (needs Chromium and Node.js)"
	@echo "make stores      stores, and every test about sessions, at a real Redis (needs redis-server)"
	@echo "make neighbours  logins beside popular extensions of Flask and Quart, newest versions (needs redis-server)"
	@echo "make lowest      the tests with the minimum supported versions of the dependencies"
	@echo "make bench       speed beside other libraries, in half an hour (QUICK=1: in 3 minutes; needs Linux and wrk)"
	@echo "make docs        the documentation site, in build/docs (DOCS_ONLINE=1: with links into the docs of Python, Flask, Quart)"
	@echo "make docs-links  the links from the documentation to other sites (needs the internet)"
	@echo "make format      lays the code out"
	@echo "make clean       removes all that the above have made"

demo: .venv/.stamp-demo .venv-canaille/.stamp
	@$(RUN) examples.demo $(if $(filter-out 0,$(ONCE)),--once)

test: .venv/.stamp-test
	$(PYTEST) $(REPEATABLE) $(T)

test-all: .venv/.stamp-test
	$(PYTEST) $(WHOLE) $(T)

# two lines of heading, ten files, and the total
coverage: .venv/.stamp-coverage
	$(PYTEST) $(REPEATABLE) --cov --cov-report= $(T)
	@$(RUN) coverage report --sort=cover | awk 'NR <= 12 || /^TOTAL/'

lint: .venv/.stamp-check
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) tests.project.words

# the workflows cannot run here; actionlint checks more of them, where it is installed
lint-project: .venv-project/.stamp
	.venv-project/bin/python -m yamllint --strict .github .pre-commit-config.yaml .yamllint.yml
	.venv-project/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv-project/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	.venv-project/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	.venv-project/bin/check-jsonschema --builtin-schema vendor.github-issue-forms \
	  $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	.venv-project/bin/zizmor --offline --no-progress --persona pedantic .github
	if command -v actionlint >/dev/null; then actionlint; fi
	rm -rf build/distributions
	.venv-project/bin/python -m build --outdir build/distributions
	.venv-project/bin/python -m twine check --strict build/distributions/*

types: .venv/.stamp-check
	$(RUN) mypy
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(RUN) pyright
	$(RUN) tests.docs.blocks

check: lint types test

providers: need-node need-redis .venv/.stamp-test .venv-canaille/.stamp $(NODE_DIR)/node_modules/.stamp
	$(PYTEST) tests/providers

browser: need-chromium need-node .venv/.stamp-browser .venv-canaille/.stamp $(NODE_DIR)/node_modules/.stamp
	CHROMIUM=$(CHROMIUM) $(PYTEST) tests/browser

stores: need-redis .venv/.stamp-test
	$(PYTEST) tests/stores/redis tests/adapters/redis
	$(PYTEST) tests/adapters --sessions-in redis

neighbours: need-redis .venv-neighbours/.stamp
	$(PYTEST_BESIDE) tests/neighbours
	PYTHONPATH=.venv-neighbours/older $(PYTEST_BESIDE) tests/neighbours -k "Flask-WTF or Flask-Limiter"

lowest: .venv-lowest/.stamp
	.venv-lowest/bin/python -m pytest $(if $(OIDC_NO_SKIPS),-p tests.no_skips) $(SAMPLED) $(T)

bench: need-wrk $(BENCH_STAMPS) $(BENCH_LIBRARY)
	@.venv-bench-ours/bin/python -m benchmarks $(if $(filter-out 0,$(QUICK)),--quick)

# a fresh environment (-E), because Sphinx repeats no warning of a page that it takes from its cache
docs: .venv-docs/.stamp
	@rm -rf build/docs
	$(SPHINX) -b html docs build/docs
	.venv-docs/bin/python docs/check_site.py build/docs
	@echo "The documentation is in build/docs/index.html"

docs-links: .venv-docs/.stamp
	$(SPHINX) -b linkcheck docs build/docs-links

format: .venv/.stamp-check
	$(RUN) ruff check --fix
	$(RUN) ruff format

clean:
	rm -rf .venv .venv-bench-* .venv-canaille .venv-docs .venv-lowest .venv-node .venv-project .logs dist build $(NODE_DIR)/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

need-node:
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && npm --version >/dev/null 2>&1 || \
	{ echo "make providers and make browser need Node.js 20 or newer, with npm: from your distribution or from nodejs.org"; exit 1; }

need-chromium:
	@test -x "$(CHROMIUM)" || \
	{ echo "make browser needs Chromium: apt-get install chromium, or name yours: make browser CHROMIUM=/path/to/it"; exit 1; }

need-redis:
	@command -v redis-server >/dev/null || \
	{ echo "make stores, make providers and make neighbours need redis-server: apt-get install redis-server"; exit 1; }

need-wrk:
	@command -v wrk >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends wrk >/dev/null; } || \
	{ echo "make bench needs wrk, which puts the load on: apt-get install wrk"; exit 1; }

# What is installed, a stamp for each set.

create_venv = $(if $(UV),$(UV) venv --quiet --allow-existing --seed --python $(PYTHON) $(1),$(PYTHON) -m venv $(1))
install = $(if $(UV),$(UV) pip install --quiet --python $(1)/bin/python $(2),$(1)/bin/python -m pip --disable-pip-version-check install --quiet $(2))

%/.stamp-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not: choose one with make PYTHON=python3.12"; exit 1; }
	@$(call create_venv,$*) || \
	{ echo "'$(PYTHON) -m venv' does not work: install uv, or on Debian: apt-get install python3-venv"; exit 1; }
	@$(if $(UV),:,$(call install,$*,'pip>=25.1'))
	@touch $@

.venv/.stamp-demo: .venv/.stamp-python pyproject.toml
	@echo "Installing the library with Flask and Quart into .venv"
	@$(call install,.venv,-e '.[flask$(,)quart]')
	@touch $@

.venv/.stamp-test: .venv/.stamp-python pyproject.toml README.md
	@echo "Installing what the tests need into .venv"
	@$(call install,.venv,-e . --group test)
	@touch $@

.venv/.stamp-coverage: .venv/.stamp-python pyproject.toml
	@echo "Installing what the tests and their coverage need into .venv"
	@$(call install,.venv,-e . --group coverage)
	@touch $@

.venv/.stamp-browser: .venv/.stamp-python pyproject.toml README.md
	@echo "Installing what the browser tests need into .venv"
	@$(call install,.venv,-e . --group browser)
	@touch $@

.venv/.stamp-check: .venv/.stamp-python pyproject.toml README.md
	@echo "Installing what the checks need into .venv"
	@$(call install,.venv,-e . --group check)
	@touch $@

.venv-canaille/.stamp: .venv-canaille/.stamp-python $(CANAILLE_REQUIREMENTS)
	@echo "Installing canaille, a provider, into .venv-canaille"
	@$(call install,.venv-canaille,-r $(CANAILLE_REQUIREMENTS))
	@touch $@

.venv-project/.stamp: .venv-project/.stamp-python pyproject.toml
	@echo "Installing what the checks of the project files need into .venv-project"
	@$(call install,.venv-project,--group project)
	@touch $@

.venv-lowest/.stamp: pyproject.toml
	@echo "Installing the oldest dependencies into .venv-lowest"
	@rm -rf .venv-lowest
	@$(MAKE) --no-print-directory .venv-lowest/.stamp-python
	@$(if $(UV),:,$(call install,.venv-lowest,uv))
	@$(or $(UV),.venv-lowest/bin/uv) pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct \
	  -e '.[flask,quart,httpx2,aiohttp,redis,telemetry]' --group test
	@touch $@

.venv-docs/.stamp: .venv-docs/.stamp-python pyproject.toml
	@echo "Installing Sphinx into .venv-docs"
	@$(call install,.venv-docs,-e '.[flask$(,)quart$(,)redis]' --group docs)
	@touch $@

# the newest of each, and beside them the last series before of those that look at our routes in another way
.venv-neighbours/.stamp: .venv-neighbours/.stamp-python pyproject.toml $(NEIGHBOURS)
	@echo "Installing popular extensions into .venv-neighbours"
	@$(call install,.venv-neighbours,-e '.[flask$(,)quart$(,)redis]' --group test -r $(NEIGHBOURS))
	@$(call install,.venv-neighbours,--no-deps --target .venv-neighbours/older 'Flask-WTF==1.2.*' 'Flask-Limiter==3.12.*')
	@touch $@

$(BENCH_STAMPS): .venv-bench-%/.stamp: .venv-bench-%/.stamp-python benchmarks/peers/%.txt
	@echo "Installing $* and its servers into .venv-bench-$*"
	@$(call install,.venv-bench-$*,-r benchmarks/peers/$*.txt)
	@touch $@

# with the versions that the file pins
$(BENCH_LIBRARY): %/.stamp-library: %/.stamp pyproject.toml
	@$(call install,$*,-c benchmarks/peers/ours.txt -e '.[flask$(,)quart]')
	@touch $@

$(NODE_DIR)/node_modules/.stamp: $(NODE_DIR)/package-lock.json
	@echo "Installing node-oidc-provider into $(NODE_DIR)"
	@cd $(NODE_DIR) && npm ci --silent --no-audit --no-fund
	@touch $@

, := ,
