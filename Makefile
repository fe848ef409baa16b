# Two commands matter: `make demo` and `make test`. Both set up .venv first, where something is missing.
PYTHON ?= python3
BIN := .venv/bin
PYTEST_WORKERS ?= 2

.PHONY: demo test lint docs bench evidence mutants clean

demo: .venv/.train
	$(BIN)/piste demo

test: .venv/.dev
	$(BIN)/pytest -n $(PYTEST_WORKERS)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: .venv/.dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/loop.py
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.losses

evidence: .venv/.dev
	$(BIN)/python benchmarks/evidence.py

mutants: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m mutants

clean:
	rm -rf .venv site

.venv/.train .venv/.dev: .venv/.%: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$*]'
	touch $@
