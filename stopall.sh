#!/usr/bin/env bash
# Stop every run that was started from this checkout, or one:  bash stopall.sh [RUN_DIR]
# Gracefully within 30 s; what was committed stays, and the same command resumes.
set -euo pipefail
project="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ -n "${VIRTUAL_ENV:-}" ] && [ -x "$VIRTUAL_ENV/bin/python" ]; then PYTHON="$VIRTUAL_ENV/bin/python"; else PYTHON="$project/.venv/bin/python"; fi
if [ ! -x "$PYTHON" ]; then
  echo "no run to stop (this checkout has no environment yet)"
  exit 0
fi
PYTHONPATH="$project${PYTHONPATH:+:$PYTHONPATH}" exec "$PYTHON" -m cleaning stop "$@"
