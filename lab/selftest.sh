#!/bin/bash
# Proves that the lab does what it promises, without Penstock: boots it, checks the host from outside and from
# within (selftest/*.sh), and prints how long each part took.  selftest.sh [CHECK...]; exit status 0 when all is well.
# LAB_DIR (see lab/lab) must not have a host running; SELFTEST_KEEP=1 leaves the host running at the end.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export LAB_DIR=${LAB_DIR:-$here/../build/lab} LAB_RUN_TIMEOUT=${LAB_RUN_TIMEOUT:-400}
port=${SELFTEST_PORT:-18776}
failures=0

lab() { "$here/lab" "$@"; }

# check NAME COMMAND...: prints "ok NAME", with what the command printed as comments above it.
check() {
	local name=$1 began=${EPOCHREALTIME/./} verdict=ok
	shift
	[ "${#wanted[@]}" = 0 ] || [[ " ${wanted[*]} " = *" $name "* ]] || return 0
	"$@" 2>&1 | tr -d '\r' | sed 's/^/# /'
	if [ "${PIPESTATUS[0]}" != 0 ]; then
		verdict="not ok"
		failures=$((failures + 1))
	fi
	echo "$verdict $name ($(((${EPOCHREALTIME/./} - began) / 1000)) ms)"
}

in_host() { lab run "bash /run/lab/selftest/$1.sh"; }

exit_status_is_kept() {
	lab run 'echo out; echo err >&2; exit 7' > "$LAB_DIR/selftest/out"
	[ $? = 7 ] && [ "$(cat "$LAB_DIR/selftest/out")" = $'out\nerr' ]
}

# Five callers whose jobs take three seconds each, in much less than fifteen seconds.
callers_are_served_at_once() {
	local began=$SECONDS i pids=()
	for i in 1 2 3 4 5; do
		{ [ "$(lab run "sleep 3; echo answer $i")" = "answer $i" ]; } &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
	[ $((SECONDS - began)) -lt 12 ]
}

a_hung_command_is_ended() {
	LAB_RUN_TIMEOUT=1 lab run 'sleep 1234'
	[ $? = 124 ] && lab run 'timeout 5 sh -c "while pgrep -f \"sleep 123[4]\"; do sleep 0.1; done"'
}

tcp_port_is_reachable() {
	local page
	lab run 'mkdir -p /tmp/www && echo lab > /tmp/www/page && cd /tmp/www &&
		{ setsid python3 -m http.server 5000 > /dev/null 2>&1 & }'
	page=$(curl -s --retry 40 --retry-all-errors --retry-delay 1 --retry-max-time 40 "http://127.0.0.1:$port/page")
	lab run 'pkill -f http.server'
	[ "$page" = lab ]
}

shell_answers() {
	local line answer=1 process
	# The answer differs from what is typed, which a terminal shows too.
	coproc terminal { exec "$here/lab" shell; }
	process=$!
	echo "echo answer \$((6 * 7))" >&"${terminal[1]}"
	while read -r -t 10 -u "${terminal[0]}" line; do
		[[ $line != *"answer 42"* ]] || { answer=0; break; }
	done
	kill $process
	wait $process 2> /dev/null
	return $answer
}

built_twice_is_built_once() {
	local began=${EPOCHREALTIME/./}
	"$here/build.sh" && [ $((${EPOCHREALTIME/./} - began)) -lt 1000000 ]
}

goes_down() {
	local pid
	pid=$(cat "$LAB_DIR/pid")
	lab down && ! kill -0 "$pid" 2> /dev/null && ! lab status
}

wanted=("$@")
if lab status > /dev/null; then
	echo "selftest: a host is running in $LAB_DIR; end it first (lab/lab down) or set LAB_DIR" >&2
	exit 2
fi
trap '[ -n "${SELFTEST_KEEP:-}" ] || lab down' EXIT
began=$SECONDS
LAB_HOSTFWD="$port-:5000" lab up || exit 1
rm -rf "$LAB_DIR/selftest"
cp -r "$here/selftest" "$LAB_DIR/selftest"

check built_twice_is_built_once built_twice_is_built_once
check exit_status_is_kept exit_status_is_kept
check callers_are_served_at_once callers_are_served_at_once
check a_hung_command_is_ended a_hung_command_is_ended
check tcp_port_is_reachable tcp_port_is_reachable
check shell_answers shell_answers
check devices in_host devices
check networks in_host networks
check vf_guests in_host vf_guests
check linux_guest in_host linux_guest
check whole_pf in_host whole_pf
[ -n "${SELFTEST_KEEP:-}" ] || check goes_down goes_down
echo "selftest: $failures failed, $((SECONDS - began)) s"
[ "$failures" = 0 ]
