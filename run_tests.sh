#!/usr/bin/env bash
# Lint, types, structure and the whole test suite:  bash run_tests.sh [pytest options]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./setup_env.sh test
. ./setup_models.sh
bin="$(dirname "$PYTHON")"
"$bin/ruff" check --quiet .
"$bin/mypy" --no-error-summary
exec "$PYTHON" -m pytest -q "$@"
