#!/bin/bash
# make deb: Debian packages of what is committed, in build/deb.  Needs debhelper (scripts/install-packages.sh deb).
# On Debian 12 the library yyjson, which that release lacks, is put beside them: `apt install ./*.deb` takes it along.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/${BUILD:-build}/deb
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
[ "$version" = "$(sed -n "s/^ *version: '\(.*\)',/\1/p" meson.build | head -1)" ] || { echo "debian/changelog and meson.build have different versions" >&2; exit 1; }
[ -z "$(git status --porcelain)" ] || echo "make deb: what is not committed is left out" >&2
rm -rf "$out"
mkdir -p "$out/penstock-$version"
git archive HEAD | tar -x -C "$out/penstock-$version"
(cd "$out/penstock-$version" && dpkg-buildpackage -b -us -uc) > "$out/build.log" 2>&1 || { tail -40 "$out/build.log" >&2; exit 1; }
rm -rf "$out/penstock-$version"
. /etc/os-release
if [ "${VERSION_CODENAME:-}" = bookworm ]; then
	(cd "$out" && apt-get download -q libyyjson0 > /dev/null)
fi
ls -l "$out"/*.deb
