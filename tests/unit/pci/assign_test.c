/* Assignment of devices to slots: feasible exactly when an exhaustive search finds one, and always a right
 * one.
 *
 * PENSTOCK_TEST_SEED=N repeats a run; PENSTOCK_TEST_CASES=N says how long it is. */
#include "../test.h"

#include "base/memory.h"
#include "pci/assign.h"

/* Is what was chosen an assignment? */
static void check(const struct pci_candidate *c, size_t count, const uint8_t *slots, size_t slot_count,
		  const int *chosen)
{
	for (size_t i = 0; i < slot_count; i++) {
		assert_in_range(chosen[i], 0, count - 1);
		assert_true(c[chosen[i]].fits >> slots[i] & 1);
		for (size_t k = 0; k < i; k++) {
			const struct pci_candidate *a = &c[chosen[i]], *b = &c[chosen[k]];

			assert_int_not_equal(chosen[i], chosen[k]);
			assert_false(a->unit >= 0 && a->unit == b->unit && a->whole != b->whole);
		}
	}
}

/* The naive truth. */
static bool exhaustive(const struct pci_candidate *c, size_t count, const uint8_t *slots, size_t slot_count,
		       size_t slot, int *chosen)
{
	if (slot == slot_count)
		return true;
	for (size_t i = 0; i < count; i++) {
		bool free = c[i].fits >> slots[slot] & 1;

		for (size_t k = 0; free && k < slot; k++) {
			const struct pci_candidate *other = &c[chosen[k]];

			free = chosen[k] != (int)i &&
			       !(c[i].unit >= 0 && c[i].unit == other->unit && c[i].whole != other->whole);
		}
		if (!free)
			continue;
		chosen[slot] = (int)i;
		if (exhaustive(c, count, slots, slot_count, slot + 1, chosen))
			return true;
	}
	return false;
}

static unsigned below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

/* Up to three PFs with up to three VFs, some of them with a second port that goes with them (of the IOMMU's
 * group), some plain devices, few kinds of requests. */
static size_t random_host(struct pci_candidate *c, unsigned requests)
{
	size_t count = 0;
	int pf_kinds[2], vf_kinds[2];

	for (int i = 0; i < 2; i++) {
		pf_kinds[i] = (int)below(1u << requests);
		vf_kinds[i] = (int)below(1u << requests);
	}
	for (int pf = 0, pfs = (int)below(4); pf < pfs; pf++) {
		int node = (int)below(3) - 1;

		if (below(4))
			c[count++] = (struct pci_candidate){.fits = (uint64_t)pf_kinds[below(2)],
							    .unit = pf,
							    .whole = true,
							    .numa_node = node};
		if (below(6) == 0)
			c[count++] = (struct pci_candidate){.fits = (uint64_t)pf_kinds[below(2)],
							    .unit = pf,
							    .whole = true,
							    .numa_node = node};
		for (unsigned vf = 0, vfs = below(4), kind = below(2), mixed = below(4); vf < vfs; vf++)
			c[count++] =
				(struct pci_candidate){.fits = (uint64_t)vf_kinds[mixed ? kind : below(2)],
						       .unit = pf,
						       .numa_node = node};
	}
	for (unsigned plain = below(3); plain > 0; plain--)
		c[count++] = (struct pci_candidate){.fits = below(1u << requests),
						    .unit = -1,
						    .numa_node = (int)below(3) - 1};
	for (size_t i = count; i > 1; i--) { /* any order of preference */
		size_t k = below((unsigned)i);
		struct pci_candidate other = c[k];

		c[k] = c[i - 1];
		c[i - 1] = other;
	}
	return count;
}

static void test_random(void **state)
{
	const char *given = getenv("PENSTOCK_TEST_SEED"), *cases = getenv("PENSTOCK_TEST_CASES");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
	long found = 0, tries = cases ? strtol(cases, NULL, 10) : 20000;

	(void)state;
	print_message("PENSTOCK_TEST_SEED=%u\n", seed);
	srand(seed);
	for (long i = 0; i < tries; i++) {
		struct pci_candidate c[20];
		uint8_t slots[5];
		int chosen[5], truth[5];
		unsigned requests = 1 + below(3);
		size_t count = random_host(c, requests), slot_count = 1 + below(5);

		for (size_t k = 0; k < slot_count; k++)
			slots[k] = (uint8_t)below(requests);
		bool expected = exhaustive(c, count, slots, slot_count, 0, truth);
		assert_int_equal(pci_assign(c, count, slots, slot_count, chosen), expected);
		if (expected)
			check(c, count, slots, slot_count, chosen);
		found += expected;
	}
	print_message("%ld assignments tried, %ld found\n", tries, found);
	/* neither way is trivial */
	assert_in_range(found, tries / 10, tries * 9 / 10);
}

/* A wide wish must not take the only device of a narrow one (Nova's would). */
static void test_no_greed(void **state)
{
	const struct pci_candidate c[] = {{.fits = 3, .unit = -1, .numa_node = -1},
					  {.fits = 1, .unit = -1, .numa_node = -1}};
	const uint8_t slots[] = {0, 1};
	int chosen[2];

	(void)state;
	assert_true(pci_assign(c, 2, slots, 2, chosen));
	assert_int_equal(chosen[0], 1);
	assert_int_equal(chosen[1], 0);
}

static void test_preference(void **state)
{
	const struct pci_candidate c[] = {{.fits = 1, .unit = -1, .numa_node = 0},
					  {.fits = 1, .unit = -1, .numa_node = 1},
					  {.fits = 1, .unit = -1, .numa_node = 1}};
	const uint8_t slots[] = {0, 0, 0};
	int chosen[3];

	(void)state;
	assert_true(pci_assign(c, 3, slots, 1, chosen));
	assert_int_equal(chosen[0], 0);
	/* two of one node rather than the first two */
	assert_true(pci_assign(c, 3, slots, 2, chosen));
	assert_int_equal(chosen[0], 1);
	assert_int_equal(chosen[1], 2);
	/* all, if there is no other way */
	assert_true(pci_assign(c, 3, slots, 3, chosen));
	assert_int_equal(chosen[0], 0);
	assert_int_equal(chosen[2], 2);
	assert_false(pci_assign(c, 2, slots, 3, chosen));
	assert_true(pci_assign(NULL, 0, slots, 0, chosen));
}

/* Two PFs with VFs of two kinds: the one with fewer VFs is not the one to take whole. */
static void test_mixed_vfs(void **state)
{
	static const uint64_t vfs[2][4] = {{2, 2, 4, 0}, {2, 4, 4, 4}};
	const uint8_t slots[] = {0, 1, 1};
	struct pci_candidate c[10];
	size_t count = 0;
	int chosen[3];

	(void)state;
	for (int pf = 0; pf < 2; pf++) {
		c[count++] = (struct pci_candidate){.fits = 1, .unit = pf, .whole = true, .numa_node = -1};
		for (int i = 0; i < 4 && vfs[pf][i]; i++)
			c[count++] = (struct pci_candidate){.fits = vfs[pf][i], .unit = pf, .numa_node = -1};
	}
	assert_true(pci_assign(c, count, slots, 3, chosen));
	check(c, count, slots, 3, chosen);
	assert_int_equal(c[chosen[0]].unit, 1);
}

/* 16 PFs with 16 VFs: eight whole PFs and 56 VFs, in a moment. */
static void test_large(void **state)
{
	struct pci_candidate c[16 * 17];
	uint8_t slots[PCI_ASSIGN_MAX_SLOTS];
	int chosen[PCI_ASSIGN_MAX_SLOTS];
	size_t count = 0;

	(void)state;
	for (int pf = 0; pf < 16; pf++) {
		for (int i = 0; i < 17; i++)
			c[count++] = (struct pci_candidate){.fits = i ? 2 : 1,
							    .unit = pf,
							    .whole = i == 0,
							    .numa_node = pf % 2};
	}
	for (int i = 0; i < PCI_ASSIGN_MAX_SLOTS; i++)
		slots[i] = i >= 8;
	assert_true(pci_assign(c, count, slots, PCI_ASSIGN_MAX_SLOTS, chosen));
	check(c, count, slots, PCI_ASSIGN_MAX_SLOTS, chosen);
	/* 13 whole PFs leave 48 VFs for 51 */
	for (int i = 0; i < PCI_ASSIGN_MAX_SLOTS; i++)
		slots[i] = i >= 13;
	assert_false(pci_assign(c, count, slots, PCI_ASSIGN_MAX_SLOTS, chosen));
	/* 12 leave 64 for 52 */
	slots[12] = 1;
	assert_true(pci_assign(c, count, slots, PCI_ASSIGN_MAX_SLOTS, chosen));
	check(c, count, slots, PCI_ASSIGN_MAX_SLOTS, chosen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	   cmocka_unit_test(test_no_greed),
		cmocka_unit_test(test_preference), cmocka_unit_test(test_mixed_vfs),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
