# Sourced by run_data_cleaning.sh and run_tests.sh: an environment with the project in it, quickly when it is there already.
# usage: . setup_env.sh [extras]     sets $PYTHON
extras="${1:-}"
if [ -n "${VIRTUAL_ENV:-}" ] && [ -x "$VIRTUAL_ENV/bin/python" ]; then venv="$VIRTUAL_ENV"; else venv="$PWD/.venv"; fi
PYTHON="$venv/bin/python"
base="${PYTHON_BASE:-python3}"
stamp="$venv/.cleaning-$(cat pyproject.toml | cksum | tr ' ' '-')-$(printf '%s' "$PWD" | cksum | cut -d' ' -f1)${extras:+-$extras}"
fail() { printf 'set-up failed: %s\n' "$1" >&2; exit 1; }
installed() { [ -f "$stamp" ] || { [ "$extras" != test ] && [ -f "${stamp%-$extras}-test" ]; }; }  # the extra test holds all others
if ! installed; then
  if [ ! -x "$PYTHON" ]; then
    command -v "$base" >/dev/null || fail "no python3 on PATH; install Python 3.10 or newer"
    "$base" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "$("$base" --version 2>&1) is too old; Python 3.10 or newer is needed (set PYTHON_BASE)"
    if command -v uv >/dev/null; then uv venv --quiet --python "$base" "$venv" || fail "uv venv failed"
    else "$base" -m venv "$venv" || fail "python -m venv failed; on Debian: apt-get install python3-venv"; fi
  fi
  log="$venv/setup.log"
  printf 'setting up %s (once; some minutes: fastText and KenLM are compiled) …\n' "$venv" >&2
  if command -v uv >/dev/null; then install="uv pip install --quiet --python $PYTHON"; else install="$PYTHON -m pip install --quiet --disable-pip-version-check"; fi
  if ! $install -e ".${extras:+[$extras]}" >"$log" 2>&1; then
    tail -n 12 "$log" >&2
    grep -qiE 'error: command .*(gcc|g\+\+|cc|clang).* failed|unable to execute|No such file or directory: .*(gcc|g\+\+|cc)' "$log" &&
      fail "a package has to be compiled and no working C++ compiler was found; on Debian: apt-get install build-essential"
    grep -qiE 'connection|resolve|network|timed out|unreachable|dns|No matching distribution' "$log" &&
      fail "the package index cannot be reached (no network, or a proxy is missing); the log is $log"
    fail "the log is $log"
  fi
  rm -f "$venv"/.cleaning-* && : >"$stamp"
fi
