#!/usr/bin/env bash
# Runs the Autobahn test suite, the yardstick of WebSocket implementations, against our frames: TestAutobahn in
# transport/websocket serves an echo, and the suite's fuzzing client talks to it. The suite still needs Python 2.7.
#
#   ./run.sh                        every case but those about compression
#   ./run.sh '9.*'                  some of them
#   PYTHON27=PATH ./run.sh          another interpreter than python2.7
#   PYENV_VERSION=2.7.18 ./run.sh   the interpreter that pyenv has

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly install_seconds=600
readonly python27=${PYTHON27:-python2.7}

main() {
  install
  export TANDEM_WSTEST=$PWD/.venv/bin/wstest TANDEM_WSTEST_CASES="${1:-*}"
  cd ../..
  go test -count=1 -timeout 10m -run '^TestAutobahn$' -v ./transport/websocket
}

# What is installed already, from the same list of packages, is not fetched again. Newer virtualenvs have given up on
# Python 2.7.
install() {
  cmp -s requirements.txt .venv/requirements.txt && return
  local scratch
  scratch=$(mktemp -d)
  fetch "$python27" --target "$scratch" virtualenv==20.15.1
  PYTHONPATH=$scratch "$python27" -m virtualenv --quiet --clear .venv
  rm -rf "$scratch"
  fetch .venv/bin/python -r requirements.txt
  cp requirements.txt .venv/requirements.txt
}

fetch() {
  timeout "$install_seconds" "$1" -m pip install --quiet --disable-pip-version-check "${@:2}"
}

main "$@"
