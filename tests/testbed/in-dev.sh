#!/usr/bin/env bash
# Runs a command in the development image, with the repository at its own path.
# usage: in-dev.sh COMMAND...      The image must be there: ensure.sh makes it.
set -euo pipefail
# shellcheck source=tests/testbed/lib.sh
. "$(dirname "$0")/lib.sh"
in_dev "$@"
