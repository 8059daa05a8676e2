#!/bin/bash
# Builds the probe guest, probe.kernel, in the folder given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1
for source in "$here"/probe.* "$here/start.S"; do
	[ "$out/probe.kernel" -nt "$source" ] || stale=1
done
[ -n "${stale:-}" ] || exit 0
"${CC:-gcc}" -m32 -march=i686 -Os -Wall -Wextra -ffreestanding -fno-pic -fno-stack-protector \
	-fno-asynchronous-unwind-tables -mgeneral-regs-only -nostdlib -static \
	-Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-T,"$here/probe.ld" \
	-o "$out/probe.kernel" "$here/start.S" "$here/probe.c"
