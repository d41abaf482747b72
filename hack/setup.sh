#!/usr/bin/env bash
# Make a virtual environment that holds exactly what uv.lock says. Usage: hack/setup.sh [DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/.."

venv="${1:-.venv}"
uv_version=0.13.9

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Debian splits ensurepip off Python; without it a virtual environment has no pip.
add_ensurepip() {
  local package
  package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "installing $package: this Python cannot make virtual environments"
    apt-get update -qq </dev/null >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" </dev/null >&2
  else
    fail "this Python cannot make virtual environments; install its venv package (Debian: sudo apt install $package)"
  fi
}

has_uv() { [ "$("$venv/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$uv_version" ]; }

usable() {
  [ -x "$venv/bin/python" ] && new_enough "$venv/bin/python" && { has_uv || "$venv/bin/python" -m pip --version >/dev/null 2>&1; }
}

if ! usable; then
  python="$(find_python)" || fail "Python 3.11 or newer is needed; install it, or name it: make setup PYTHON=/path/to/python3"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || add_ensurepip "$python"
  say "making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv"
fi

if ! has_uv; then
  say "installing uv $uv_version"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
fi

say "installing what uv.lock names (about a minute on an empty cache)"
UV_PROJECT_ENVIRONMENT="$venv" UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" sync --quiet --locked --compile-bytecode --python "$venv/bin/python"
