# Each target first creates the virtual environment if it is missing or outdated.
# `make run PORT=9000` equals `PORT=9000 make run`; VENV and PYTHON select another environment or interpreter.
VENV ?= .venv
TEST_PROCESSES ?= 2
SCHEMA ?= openapi.yaml
BEAT ?= --beat --schedule var/beat-schedule
# Tests below core/ use no table of the apps and run on SQLite only.
on_postgresql := accounts sessions_tracking tests core/db

# The shell reads these from its environment, so that spaces and quotes in them are literal.
export VENV SCHEMA
bin := "$$VENV/bin"
python := "$$VENV/bin/python"
# These would hide the environment's modules or the project's.
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONUSERBASE
# Precedence: the environment, then .env, then DEBUG=on for development commands. .env may start with a byte-order mark.
in_development = [ -n "$$DEBUG$$DEBUG_FILE" ] || cat .env 2>/dev/null | tr -d '\357\273\277' | grep -Eq '^[[:space:]]*(export[[:space:]]+)?DEBUG(_FILE)?[[:space:]]*=' || export DEBUG=on

.DEFAULT_GOAL := help
.PHONY: help run test test-faults test-nginx test-deployment test-pgbouncer test-browser lint format serve worker beat migrate bench bench-quick bench-scale docs schema clean venv

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: venv ## Start everything for development at HOST:PORT (127.0.0.1:8000): Redis, web, worker, beat; Ctrl-C stops it
	@$(in_development); exec $(python) manage.py run_dev --parent "$$PPID"

test: venv ## Run all tests against real servers, on SQLite and then on PostgreSQL (ARGS="-k login" goes to pytest)
	@failed=; \
	echo "Tests on sqlite"; TEST_DB=sqlite $(python) -m pytest -n $(TEST_PROCESSES) $(ARGS) || failed="$$failed sqlite"; \
	echo "Tests on postgresql"; \
	TEST_DB=postgresql $(python) -m pytest -n $(TEST_PROCESSES) $(if $(ARGS),$(ARGS),$(on_postgresql)) || failed="$$failed postgresql"; \
	if [ -n "$$failed" ]; then echo "The tests failed on:$$failed"; exit 1; fi; \
	echo "The tests passed on SQLite and on PostgreSQL."

test-faults: venv ## Run the tests that break their servers: Redis, databases, mail and web processes killed, hung or filled (ARGS as above)
	@failed=; for database in sqlite postgresql; do \
	  echo "Faults on $$database"; \
	  TEST_DB=$$database $(python) -m pytest -m faults -n $(TEST_PROCESSES) $(ARGS) || failed="$$failed $$database"; \
	done; \
	if [ -n "$$failed" ]; then echo "The fault tests failed on:$$failed"; exit 1; fi

test-deployment: venv ## Run the tests of the production layout behind nginx with TLS; needs nginx and openssl (ARGS as above)
	@TEST_DB=postgresql $(python) -m pytest -m deployment $(ARGS)

test-nginx: venv ## Run the tests of the nginx example; needs nginx (apt-get install nginx-light; ARGS as above)
	@$(python) -m pytest -m nginx $(ARGS)

test-pgbouncer: venv ## Run the tests behind PgBouncer; needs it (apt-get install pgbouncer; ARGS as above)
	@$(python) -m pytest -m pgbouncer $(ARGS)

test-browser: venv ## Walk through the admin and the pages with Chromium, which must be installed (apt-get install chromium, or CHROMIUM=/path)
	@$(python) -m pytest -m browser $(ARGS)

lint: venv ## Check style, formatting, types, shell scripts and the direction of imports
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	DEBUG=on $(python) -m mypy .
	$(bin)/shellcheck .ci/run core/dev/*.sh docker/*.sh docker/debian/*.sh docker/debian/vestibule-manage
	@$(python) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

format: venv ## Format the code and mend what can be mended by machine
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

serve: venv ## Migrate and start the web processes for production (WEB_WORKERS, default one a usable core; WEB_THREADS; ARGS=--no-migrate)
	@exec $(python) manage.py serve $(ARGS)

worker: venv ## Start the Celery worker with its beat for production (WORKER_CONCURRENCY, default one process a usable core; BEAT= without it)
	@mkdir -p -m 700 var; exec $(python) -m celery -A config.celery worker $(BEAT) --loglevel info

beat: venv ## Start beat alone, for a worker that runs without (make worker BEAT=)
	@mkdir -p -m 700 var; exec $(python) -m celery -A config.celery beat --schedule var/beat-schedule --pidfile= --loglevel warning

migrate: venv ## Bring the database up to date
	@$(in_development); exec $(python) manage.py migrate

bench: venv ## Measure beside peers and limits, into var/bench/results (25 minutes; ARGS="--only vestibule,djoser" goes to it)
	@$(python) -m benchmarks $(ARGS)

bench-quick: venv ## The same beside the nearest peers, in two minutes
	@$(python) -m benchmarks --quick $(ARGS)

bench-scale: venv ## Measure growth and load: a million sessions and requests, plans, cleanup, memory, storms, codes (40 minutes; ARGS as above)
	@$(python) -m benchmarks.scale $(ARGS)

schema: venv ## Write the OpenAPI document to SCHEMA (openapi.yaml) and fail on any warning
	@$(in_development); exec $(python) manage.py spectacular --validate --fail-on-warn --file "$$SCHEMA"

docs: venv ## Build the documentation as a website into var/docs and fail on a broken link
	@$(python) -m pip install -qq --disable-pip-version-check --requirement requirements/docs.txt
	@NO_MKDOCS_2_WARNING=1 $(python) -m mkdocs build --strict --quiet && echo "Open var/docs/index.html"

clean: ## Remove .venv and what the tools left behind, but not var/, where your data is
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@sh core/dev/bootstrap.sh "$$VENV"
