#!/usr/bin/env bash
# The tests in two runs at once: those with real sockets and processes, and beside them, politely, those that only compute.
# Usage: tools/test.sh PYTHON. Exit status 0 where both passed.
set -uo pipefail
cd "$(dirname "$0")/.."
python=$1

output=$(mktemp)
trap 'rm -f "$output"' EXIT
idle=(nice -n 19)
command -v chrt >/dev/null && idle=(chrt --idle 0) # it then has a processor only while nobody else wants one
"${idle[@]}" "$python" -m pytest -m "not real" >"$output" 2>&1 &
computing=$!
"$python" -m pytest -m real
real=$?
wait $computing
computed=$?
echo "and meanwhile those that only compute:"
cat "$output"
exit $((real || computed))
