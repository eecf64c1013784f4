# Everything starts here; `make demo` is the whole road. Each target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast campaigns rehearse fuzz walk machines dirac-versions soak install-test upgrade lint up down image image-test lock clean
RUN := .venv/bin/python -m
# the tests' modules are compiled once, not by each worker and at each run
TEST := env -u PYTHONDONTWRITEBYTECODE $(RUN) pytest

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## Debian packages, .venv from the lock, the project in it
	@scripts/setup

demo: setup ## run the example production on a real grid; ONCE=1: stop everything at the end
	@$(RUN) sandbox.demo run $(if $(ONCE),--once)

up: setup ## start the demo's grid and Airflow without running anything
	@$(RUN) sandbox.demo up

down: ## stop everything that demo and up started
	@test ! -x .venv/bin/python || $(RUN) sandbox.demo down

test: setup ## the tests of every change, five at a time: most of them wait
	@# in a fresh clone: asserts are rewritten once, while packages come, and not by each of the five
	@test -d tests/__pycache__ || $(TEST) -q --collect-only >/dev/null & scripts/setup browser && wait
	@scripts/setup-ctadirac >/dev/null || test $$? -eq 3
	@$(TEST) -n 5 --no-loadscope-reorder

campaigns: setup ## whole campaigns on whole sites, the parts of which `make test` tries
	@scripts/setup browser
	@scripts/setup-ctadirac >/dev/null || test $$? -eq 3
	@$(TEST) -n 3 --no-loadscope-reorder -m soak

test-fast: setup ## for every save: tests without a grid, without processes of Airflow, none long
	@$(TEST) -n 2 -q -m "not grid and not airflow and not long"

rehearse: setup ## run every example on a sandbox grid, with stand-in jobs
	@scripts/setup-ctadirac >/dev/null || test $$? -eq 3
	@for file in include/productions/examples/w*.yaml; do .venv/bin/dirac-prodsys rehearse --tasks 3 $$file || exit; done

fuzz: setup ## read 100,000 broken production files
	@$(RUN) tests.fuzz --count 100000 --seed 1

walk: setup ## walk 20,000 productions at random on a grid in memory, and 30 on DIRAC
	@$(RUN) tests.walk --count 20000 --seed 1
	@WALKS_ON_DIRAC=30 $(RUN) pytest tests/integration/test_walk_on_dirac.py

machines: ## accidents of an Airflow on many machines, as root: MACHINES_FROM=COMMIT for the package of before
	@scripts/setup-machines
	@$(TEST) -n 0 -v -s --durations=0 -m machines tests/e2e/machines

dirac-versions: setup ## the contract on servers and clients of DIRAC 9.0, through the agent
	@scripts/test-dirac 9.0

install-test: setup ## install the wheel by plain pip, with every Python from 3.11 to 3.13 of this machine
	@scripts/install-test

soak: campaigns fuzz walk rehearse install-test machines dirac-versions ## all that takes too long for every change
	@scripts/promtool
	@scripts/test-peer

upgrade: setup ## end a run that an older commit began: FROM=COMMIT
	@$(RUN) sandbox.rehearsal.upgrade $(FROM)

lint: setup ## ruff and mypy
	@$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy

image: ## build the container image
	@scripts/image

image-test: image ## try the image
	@scripts/image-test

lock: setup ## write the requirements files anew
	@scripts/lock

clean: down ## remove what can be made again
	@rm -rf .venv .venv-machines .venv-ctadirac .demo .cache .image .pytest_cache .mypy_cache .ruff_cache .hypothesis plugins/*.egg-info
