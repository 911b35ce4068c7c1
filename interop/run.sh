#!/usr/bin/env bash
# Runs other people's WAMP clients against the built router; README.md says how.
#
#   ./run.sh                     every suite
#   ./run.sh python              one of them (python, node)
#   TANDEM_BIN=PATH ./run.sh     another binary than ../bin/tandem

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly install_seconds=600 # for the packages of one suite
readonly suite_seconds=300   # for the tests of one suite
readonly ready_seconds=5     # for the router to listen
readonly stop_seconds=5      # for the router to stop

here=$PWD
scratch=$(mktemp -d)
router= # its process ID, once started

main() {
  build
  install_python
  install_node
  start_router
  local failed=0
  for suite in "$@"; do
    echo "== interop: $suite"
    "test_$suite" || failed=1
  done
  stop_router || failed=1
  [[ $failed -eq 0 ]] || { echo "== interop: what the router wrote" && tail -n 50 "$scratch/router.log"; }
  return "$failed"
}

build() {
  [[ -z ${TANDEM_BIN:-} ]] || return 0
  export TANDEM_BIN=$here/../bin/tandem
  [[ -x $TANDEM_BIN ]] || (cd .. && go build -o bin/tandem ./cmd/tandem)
}

# Both suites need both languages: callers in Node call callees in Python. What
# is installed already, from the same list of packages, is not fetched again.

install_python() {
  export TANDEM_PYTHON=$here/python/.venv/bin/python
  cmp -s python/requirements.txt python/.venv/requirements.txt && return
  python3 -m venv --clear python/.venv
  timeout "$install_seconds" "$TANDEM_PYTHON" -m pip install --quiet --disable-pip-version-check -r python/requirements.txt
  cp python/requirements.txt python/.venv/requirements.txt
}

install_node() {
  cmp -s node/package-lock.json node/node_modules/package-lock.json && return
  (cd node && timeout "$install_seconds" npm ci --loglevel=error)
  cp node/package-lock.json node/node_modules/package-lock.json
}

start_router() {
  export TANDEM_UNIX=$scratch/tandem.sock
  configuration >"$scratch/tandem.yaml"
  "$TANDEM_BIN" serve --config "$scratch/tandem.yaml" >"$scratch/listening" 2>"$scratch/router.log" &
  router=$!
  wait_until "$ready_seconds" listening || {
    cat "$scratch/router.log"
    echo "the router does not listen"
    exit 1
  } >&2
  TANDEM_TCP=$(sed -n 's/^listening on \(.*\) (tcp)$/\1/p' "$scratch/listening")
  export TANDEM_TCP TANDEM_URL=ws://$TANDEM_TCP/ws
}

configuration() {
  cat <<END
listeners:
  tcp: {address: "127.0.0.1:0"} # a free port; the router says which
  unix: {address: "unix:$TANDEM_UNIX"}
END
  sed "s|\$SCRATCH|$scratch|" realms.yaml
}

listening() {
  [[ $(grep -c '^listening on ' "$scratch/listening") -eq 2 ]]
}

test_python() {
  (cd python && timeout "$suite_seconds" "$TANDEM_PYTHON" -m pytest)
}

test_node() {
  (cd node && timeout "$suite_seconds" npm test --silent)
}

# The router must have survived the suites, and stop cleanly when asked to.
stop_router() {
  local code=0
  kill -TERM "$router" 2>/dev/null || true
  wait_until "$stop_seconds" gone "$router" || kill -KILL "$router"
  wait "$router" || code=$?
  router=
  [[ $code -eq 0 ]] || echo "the router ended with code $code"
  return "$code"
}

gone() {
  ! kill -0 "$1" 2>/dev/null
}

wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $end ]] || return 1
    sleep 0.05
  done
}

clean_up() {
  [[ -z $router ]] || kill -KILL "$router" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

[[ $# -gt 0 ]] || set -- python node
main "$@"
