#!/bin/sh
# For `meson install`: /etc/penstock/penstock.conf, unless there is one: it is the operator's.  $1: the example.
set -e
target=${DESTDIR:-}/etc/penstock/penstock.conf
mkdir -p "${target%/*}/penstock.conf.d"
[ -e "$target" ] || install -m 644 "$1" "$target"
