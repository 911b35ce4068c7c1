#!/usr/bin/env bash
# Loads Tandem and the routers that people come from in turn, over loopback, and prints one line of JSON for each run.
# docs/perf/peers.md says what it needs and what came of it. By hand: it measures, and so belongs into no test.
#
#   run.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")"

rounds=${1:-3}
tandem=../../bin/tandem
work=$(mktemp -d)
routers=()
trap 'kill "${routers[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

make -s -C ../.. build
(cd nexus && go build -o "$work/nexus" .)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install 'crossbar==26.10.1'
cp -r crossbar "$work/crossbar"

"$tandem" dev --listen 127.0.0.1:18503 >"$work/tandem.log" 2>&1 &
routers+=($!)
"$work/nexus" 127.0.0.1:18501 >"$work/nexus.log" 2>&1 &
routers+=($!)
"$work/venv/bin/crossbar" start --cbdir "$work/crossbar/.crossbar" >"$work/crossbar.log" 2>&1 &
routers+=($!)
for port in 18501 18502 18503; do
	timeout 60 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.2; done"
done
worker=$(pgrep -P "${routers[2]}" -f crossbar-worker) # the process that routes

load() { # NAME PORT PID ARGS...
	local name=$1 port=$2 pid=$3
	shift 3
	printf '%s\t%s\t' "$name" "$*"
	"$tandem" bench "$@" --url "tcp://127.0.0.1:$port" --router-pid "$pid" --duration 3s --warmup 1s -o json 2>/dev/null | tr -d '\n '
	echo
}

for _ in $(seq "$rounds"); do
	while read -r -a args; do
		load tandem 18503 "${routers[0]}" "${args[@]}"
		load nexus 18501 "${routers[1]}" "${args[@]}"
		load crossbar 18502 "$worker" "${args[@]}"
	done <<-LOADS
		rpc --pairs 4 --depth 16
		rpc --pairs 8 --depth 64
		rpc --pairs 1 --depth 1
		rpc --pairs 4 --depth 16 --serializer json
		fanout --subscribers 100
	LOADS
done
