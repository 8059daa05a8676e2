#!/bin/bash
# Runs parts of the test suite and ends with "N passed, N failed".   tests/run.sh unit service scenarios sim lab
#   unit     cmocka programs, built with ASan and UBSan
#   property placing: a million random cases against exhaustive searches, in the plain build (PENSTOCK_TEST_SEED=N repeats a run)
#   service  a real penstockd (ASan and UBSan) on a free port, with the openstack SDK and raw requests
#   scenarios  OpenStack's behaviour, number by number (docs/compatibility.md), with hosts that are made up or simulated
#   sim      whole sites under a virtual clock with faults: two minutes of seeds that were not tried before (SIM_SEED, SIM_SECONDS)
#   lab      penstockd and penstock-agent on a real kernel with real SR-IOV; and on two such hosts, for live migration
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
build=${BUILD:-build} sanitized=${SANITIZE:-build-asan}
passed=0 failed=0
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

compile() { # FOLDER [MESON-OPTIONS...]
	local folder=$1
	shift
	[ -e "$folder/build.ninja" ] || meson setup "$folder" "$@" > "$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
	echo "compiling $folder ..."
	ninja -C "$folder" > "$folder.log" 2>&1 || { grep -E 'error|FAILED' "$folder.log"; tail -20 "$folder.log"; exit 1; }
}
compile_sanitized() { compile "$sanitized" -Db_sanitize=address,undefined -Dbuildtype=debug -Db_lundef=false; }
# Adds up what a part printed: lines that begin with "ok" or "not ok".
count() {
	passed=$((passed + $(grep -c '^ok ' "$1")))
	failed=$((failed + $(grep -c '^not ok ' "$1")))
}

run_unit() {
	local out=$sanitized/unit.tap
	compile_sanitized
	: > "$out"
	while read -r name program; do
		if timeout 120 "$program" > "$sanitized/$name.out" 2>&1; then
			grep -a '^\[       OK \]' "$sanitized/$name.out" | sed "s/^\[       OK \] /ok $name /" >> "$out"
		else
			cat "$sanitized/$name.out"
			echo "not ok $name" >> "$out"
		fi
	done < <(meson introspect --tests "$sanitized" | python3 -c 'import json,sys
for t in json.load(sys.stdin): print(t["name"], t["cmd"][0])')
	count "$out"
	echo "unit: $(grep -c '^ok' "$out") passed, $(grep -c '^not ok' "$out") failed"
}

run_property() {
	local out=$build/property.tap name program cases
	compile "$build"
	: > "$out"
	while read -r name program cases; do
		if PENSTOCK_TEST_CASES=$cases timeout 300 "$build/tests/unit/$program" > "$build/$name.out" 2>&1; then
			grep -aE '^PENSTOCK_TEST_SEED|tried|asked for' "$build/$name.out"
			echo "ok property $name" | tee -a "$out"
		else
			cat "$build/$name.out"
			echo "not ok property $name" | tee -a "$out"
		fi
	done <<- PROGRAMS
		assignments pci/pci_assign_test 500000
		cells numa/numa_random_test 200000
		claims scheduler/scheduler_random_test 300000
	PROGRAMS
	count "$out"
}

run_service() {
	local out=$sanitized/service.tap
	compile_sanitized
	: > "$out"
	for script in service attach rebuild live devices config oslo systemd package; do
		/usr/bin/python3 tests/service/${script}_test.py "$sanitized" | tee -a "$out"
		[ "${PIPESTATUS[0]}" -le 1 ] || echo "not ok the $script tests ended early" >> "$out"
	done
	count "$out"
}

run_scenarios() {
	local out=$sanitized/scenarios.tap
	compile_sanitized
	/usr/bin/python3 tests/scenarios/scenarios.py "$sanitized" | tee "$out"
	[ "${PIPESTATUS[0]}" -le 1 ] || echo "not ok the scenarios ended early" >> "$out"
	count "$out"
}

# A seed replays exactly; then fresh ones, from the time of day on.
run_sim() {
	local out=$build/sim.tap first=${SIM_SEED:-$(date +%s)} sim=$build/tests/sim/penstock-sim
	compile "$build"
	for _ in 1 2; do "$sim" "$root/$build" --from "$first" --count 1 --no-shrink | grep -o 'hash [0-9a-f]*'; done > "$build/sim.hashes"
	if [ "$(wc -l < "$build/sim.hashes")" = 2 ] && [ "$(sort -u "$build/sim.hashes" | wc -l)" = 1 ]; then
		echo "ok sim seed $first does the same again" | tee "$out"
	else
		echo "not ok sim seed $first does not do the same again: $(tr '\n' ' ' < "$build/sim.hashes")" | tee "$out"
	fi
	"$sim" "$root/$build" --from "$first" --count 1000000 --seconds "${SIM_SECONDS:-120}" --jobs "$(nproc)" | tee -a "$out"
	[ "${PIPESTATUS[0]}" -le 1 ] || echo "not ok the simulator ended early" >> "$out"
	count "$out"
}

# The whole once more if the emulated machine, and not what was tested, broke down (lab/lab healthy).
lab_script() { # NAME COMMAND...
	local log=$build/lab-$1.tap name=$1
	shift
	"$@" | tee "$log"
	[ "${PIPESTATUS[0]}" = 0 ] || grep -q '^not ok' "$log" || echo "not ok the $name tests ended early" | tee -a "$log"
	grep -q '^not ok' "$log" && grep -q '^# lab: the host is not healthy' "$log"
}

run_lab() {
	local out=$build/lab.tap script
	compile "$build"
	: > "$out"
	for script in lab live host_setup; do
		if lab_script $script "tests/lab/${script}_test.sh" "$build"; then lab_script $script "tests/lab/${script}_test.sh" "$build"; fi
		cat "$build/lab-$script.tap" >> "$out"
	done
	export ROUNDS=${ROUNDS:-20}
	if lab_script chaos /usr/bin/python3 tests/lab/chaos_test.py "$build"; then lab_script chaos /usr/bin/python3 tests/lab/chaos_test.py "$build"; fi
	cat "$build/lab-chaos.tap" >> "$out"
	count "$out"
}

for part in "$@"; do
	case $part in
	unit | property | service | scenarios | sim | lab) "run_$part" ;;
	*) echo "tests/run.sh: there is no part $part" >&2; exit 2 ;;
	esac
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
