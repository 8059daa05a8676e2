# The two commands that everyone needs, and what they are made of.  Everything else is Meson and Ninja.
BUILD ?= build
SANITIZE ?= build-asan

.PHONY: all install deb demo bench test test-unit test-property test-service test-scenarios test-lab test-package sim lab fuzz clean packages

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

packages:
	scripts/install-packages.sh

$(BUILD)/build.ninja: | packages
	meson setup $(BUILD)

$(SANITIZE)/build.ninja: | packages
	meson setup $(SANITIZE) -Db_sanitize=address,undefined -Dbuildtype=debug

# Programs, units, manuals, completion: PREFIX (/usr/local), DESTDIR.  An /etc/penstock/penstock.conf that is there stays.
PREFIX ?= /usr/local
install: all
	meson configure $(BUILD) -Dprefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

# Debian packages, in build/deb.
deb:
	scripts/install-packages.sh deb
	BUILD=$(BUILD) scripts/build-packages.sh

# The SR-IOV story, end to end, with the openstack client; KEEP=1 leaves it running.
demo: packages all
	BUILD_DIR=$(CURDIR)/$(BUILD) demo/demo.sh

# A shell in the virtual host with two SR-IOV NICs.
lab: packages
	lab/lab up
	lab/lab shell

test: packages
	tests/run.sh unit property service scenarios sim lab

test-unit: packages
	tests/run.sh unit

# Placing, claim by claim, against exhaustive searches: a million random cases.
test-property: packages
	tests/run.sh property

test-service: packages
	tests/run.sh service

# What OpenStack does in each of some 140 situations, and Penstock too (docs/compatibility.md).
test-scenarios: packages
	tests/run.sh scenarios

test-lab: packages
	tests/run.sh lab

# Whole sites under a virtual clock, with everything going wrong (docs/simulation.md): SEEDS, from SEED on; TRACE=1 tells all.
SEED ?= 1
SEEDS ?= 100
sim: packages all
	$(BUILD)/tests/sim/penstock-sim $(CURDIR)/$(BUILD) --from $(SEED) --count $(SEEDS) --jobs $$(nproc) $(if $(TRACE),--trace) $(SIMFLAGS)

# The Debian packages in a fresh Debian with systemd: units, a guest with a VF, an upgrade and a purge under it (downloads 300 MB).
test-package: deb
	tests/package/package_test.sh $(BUILD)

# The parsers, with libFuzzer: SECONDS for each target (tests/fuzz/fuzz.sh).
SECONDS ?= 60
fuzz: packages
	tests/fuzz/fuzz.sh $(SECONDS)

# How fast, how small: on this machine, with a simulated host (bench/README.md).
bench: packages all
	/usr/bin/python3 bench/bench.py $(BUILD)

clean:
	rm -rf $(BUILD) $(SANITIZE) build-fuzz build-bug-*
