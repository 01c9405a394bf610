# Everything runs in the development image, which is made on first use. `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help build unit test demo bench fuzz lint format clean
TIME ?= 60
ENSURE := tests/testbed/ensure.sh
DEV := tests/testbed/in-dev.sh

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## show the real thing on a test bed: deploys, a broken version, rollbacks
	@$(ENSURE)
	@$(DEV) python3 tests/testbed/demo.py

test: ## all tests; closes with: N passed, N failed
	@tests/run.sh

unit: ## build and run the unit tests only
	@$(ENSURE) dev
	@$(DEV) sh -c 'cmake --preset dev >/dev/null && cmake --build --preset dev -- -k 0 && ctest --preset dev -j 2'

bench: ## outage and total time against the same deploy with the docker command line
	@$(ENSURE)
	@$(DEV) python3 tests/testbed/bench.py

fuzz: ## every fuzz target for TIME seconds (default 60)
	@$(ENSURE) dev
	@$(DEV) tests/fuzz/run.sh $(TIME)

lint: ## formatting, clang-tidy, shellcheck
	@$(ENSURE) dev
	@$(DEV) tests/lint.sh

format: ## format all C files
	@$(ENSURE) dev
	@$(DEV) sh -c 'git ls-files -co --exclude-standard "*.[ch]" | xargs clang-format -i'

build: ## the action image, bluegreen-action:dev
	@$(ENSURE)

clean: ## remove build/
	rm -rf build
