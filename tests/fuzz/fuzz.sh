#!/bin/bash
# Fuzzes the parsers with libFuzzer, one target after the other.   tests/fuzz/fuzz.sh [SECONDS [TARGET ...]]
#   SECONDS   for each target (60)
# One line for each target; ends with 1 if anything was found.  What is found is kept in corpus/TARGET, so
# that the unit tests fail until it is mended.  Inputs that reach new code are collected in
# build-fuzz/corpus; KEEP=1 adds the smallest set of them that reaches as much to corpus/.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
build=${FUZZ_BUILD:-build-fuzz}
seconds=${1:-60}
shift
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1

compile() {
	[ -e "$build/build.ninja" ] ||
		CC=clang meson setup "$build" -Dfuzz=true -Db_sanitize=address,undefined -Dbuildtype=debug \
			-Db_lundef=false > "$build.log" 2>&1 || { cat "$build.log"; exit 1; }
	ninja -C "$build" fuzz-targets > "$build.log" 2>&1 ||
		{ grep -E 'error|FAILED' "$build.log"; tail -20 "$build.log"; exit 1; }
}

# Ten thousand bytes are enough for anything that these parsers tell apart.
longest() {
	case $1 in
	field_regex) echo 60 ;;
	pci_address | ip | cpu_set | extra_spec) echo 200 ;;
	*) echo 10000 ;;
	esac
}

run() { # TARGET
	local name=$1 kept=$here/corpus/$1 new=$build/corpus/$1 log=$build/$1.log words=() result=ok
	mkdir -p "$new" "$build/found"
	rm -f "$build/found/$name"-*
	[ ! -e "$here/$name.dict" ] || words=("-dict=$here/$name.dict")
	nice -n 19 "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len="$(longest "$name")" \
		-timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$build/found/$name-" \
		"${words[@]}" "$new" "$kept" > "$log" 2>&1 || result=FOUND
	for found in "$build/found/$name"-*; do
		[ -e "$found" ] || continue
		result="FOUND $(basename "$found")"
		cp "$found" "$kept/found-$(sha1sum "$found" | cut -c1-10)"
	done
	awk -v name="$name" -v result="$result" '
		/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") coverage = $(i + 1) }
		/^stat::number_of_executed_units/ { runs = $2 }
		/^stat::average_exec_per_sec/ { rate = $2 }
		/^stat::new_units_added/ { added = $2 }
		END { printf "%-12s %10d executions %7d/s %6d edges %5d new inputs  %s\n", name, runs, rate,
			coverage, added, result }' "$log"
	[ "$result" = ok ] || {
		grep -E 'not so|runtime error|ERROR:|SUMMARY' "$log" | sed 's/^/  /'
		return 1
	}
	[ -z "${KEEP:-}" ] || keep "$name"
}

keep() { # TARGET
	local smallest=$build/smallest/$1
	rm -rf "$smallest"
	mkdir -p "$smallest"
	nice -n 19 "$build/tests/fuzz/fuzz_$1" -merge=1 "$smallest" "$here/corpus/$1" "$build/corpus/$1" \
		> "$build/$1.merge.log" 2>&1 || return
	for input in "$here/corpus/$1"/found-*; do
		[ ! -e "$input" ] || cp "$input" "$smallest" # whatever it reaches now
	done
	rm -f "$here/corpus/$1"/*
	cp "$smallest"/* "$here/corpus/$1"
}

compile
failed=0
if [ $# = 0 ]; then
	for folder in "$here"/corpus/*/; do set -- "$@" "$(basename "$folder")"; done
fi
for name in "$@"; do run "$name" || failed=1; done
exit $failed
