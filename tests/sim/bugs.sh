#!/bin/bash
# Does the simulator find what it is there for?  Builds the programs with one deliberate bug after the other (src/base/deliberate.h)
# and looks for the seed that breaks the promise.   bugs.sh [SEEDS=1000] [BUG...]
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seeds=${1:-1000}
shift
failures=0
for bug in ${*:-1 2 3 4 5 6}; do
	build=build-bug-$bug
	[ -e "$build/build.ninja" ] || meson setup "$build" -Ddeliberate_bug="$bug" > "$build.log" 2>&1 || { cat "$build.log"; exit 1; }
	ninja -C "$build" tests/sim/penstock-sim tests/sim/sim-controller.so tests/sim/sim-agent.so tests/sim/sim-command.so > "$build.log" 2>&1 ||
		{ tail -20 "$build.log"; exit 1; }
	"$build/tests/sim/penstock-sim" "$PWD/$build" --count "$seeds" --jobs "${JOBS:-$(nproc)}" --promise "$bug" --no-shrink > "$build.out" 2>&1
	seed=$(sed -n "s/^not ok sim seed \([0-9]*\): promise $bug: .*/\1/p" "$build.out" | head -1)
	if [ -n "$seed" ]; then
		echo "ok sim bug $bug is found by seed $seed: $(sed -n "s/^not ok sim seed $seed: //p" "$build.out" | head -1)"
	else
		grep -h '^# passed over' "$build.out" | head -3
		echo "not ok sim bug $bug is not found within $seeds seeds"
		failures=1
	fi
done
exit "$failures"
