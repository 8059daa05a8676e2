#!/bin/bash
# build.sh OUTDIR: builds OUTDIR/probe.img, the quick guest, as a raw bootable disk of 1 MiB.  Does nothing when the
# image is newer than its sources.  CC names the compiler (default gcc).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR}
mkdir -p "$out"
image=$out/probe.img
if [ -e "$image" ] && [ -z "$(find "$here" -newer "$image" -type f)" ]; then
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-gcc}" -m32 -march=i686 -std=gnu17 -Os -Wall -Wextra -Werror -ffreestanding -fno-pic \
	-fno-stack-protector -fno-asynchronous-unwind-tables -mgeneral-regs-only -nostdlib -static \
	-Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-T,"$here/probe.ld" \
	-o "$work/probe.elf" "$here"/*.S "$here"/*.c
objcopy -O binary -j .boot -j .program "$work/probe.elf" "$work/probe.img"
truncate -s 1M "$work/probe.img"
chmod 644 "$work/probe.img"
mv "$work/probe.img" "$image"
