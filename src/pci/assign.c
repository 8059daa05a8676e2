/* Exact assignment of devices to slots. */
#include "pci/assign.h"

#include "base/memory.h"

#include <string.h>

/* Bounds the search on hosts with very many different PFs that are wanted whole and for their VFs at once. */
#define ASSIGN_MAX_TRIES 4096

/* A unit that some slot may have whole while others may have parts of it: a PF, or several that go together.
 */
struct contested {
	int unit, candidate; /* the first that is had whole */
	uint64_t pf_fits, vf_fits;
	int pfs, vfs; /* candidates that are had whole, and parts */
	bool mixed;   /* its VFs, or what is had whole, are not alike */
	int class;
	bool taken; /* whole, in this try */
};

struct assignment {
	const struct pci_candidate *candidates;
	size_t count;
	const uint8_t *slots;
	size_t slot_count;
	int *chosen;	   /* candidate of each slot, or -1 */
	int *owner;	   /* slot of each candidate, or -1 */
	uint32_t *visited; /* of each candidate: the search that saw it last */
	uint32_t search;
	struct contested *contested;
	size_t contested_count;
	int class_count;
	int *contest; /* of each candidate: the contested PF that it is or belongs to, or -1 */
	int tries;
	int numa_node; /* only devices of this node */
	bool any_node;
};

static bool is_open(const struct assignment *a, size_t i)
{
	const struct pci_candidate *candidate = &a->candidates[i];

	if (!a->any_node && candidate->numa_node != a->numa_node)
		return false;
	return a->contest[i] < 0 || a->contested[a->contest[i]].taken == candidate->whole;
}

static bool slot_may(const struct assignment *a, size_t slot, size_t i)
{
	return a->candidates[i].fits >> a->slots[slot] & 1 && is_open(a, i);
}

/* --- matching (Kuhn) --- */

static bool augment(struct assignment *a, size_t slot)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->owner[i] < 0 && slot_may(a, slot, i)) {
			a->owner[i] = (int)slot;
			a->chosen[slot] = (int)i;
			return true;
		}
	}
	for (size_t i = 0; i < a->count; i++) {
		if (a->visited[i] == a->search || !slot_may(a, slot, i))
			continue;
		a->visited[i] = a->search;
		if (augment(a, (size_t)a->owner[i])) {
			a->owner[i] = (int)slot;
			a->chosen[slot] = (int)i;
			return true;
		}
	}
	return false;
}

static bool match(struct assignment *a)
{
	for (size_t i = 0; i < a->count; i++)
		a->owner[i] = -1;
	for (size_t slot = 0; slot < a->slot_count; slot++) {
		a->search++;
		if (!augment(a, slot))
			return false;
	}
	return true;
}

/* --- which PFs are taken whole --- */

static struct contested *contested_of(struct assignment *a, int unit)
{
	for (size_t k = 0; k < a->contested_count; k++) {
		if (a->contested[k].unit == unit)
			return &a->contested[k];
	}
	return NULL;
}

/* The first of its unit makes it. */
static void contested_count_pf(struct assignment *a, size_t i)
{
	const struct pci_candidate *pf = &a->candidates[i];
	struct contested *c = contested_of(a, pf->unit);

	if (!c) {
		c = ARRAY_ADD(a->contested, a->contested_count);
		*c = (struct contested){.unit = pf->unit, .candidate = (int)i, .pf_fits = pf->fits};
	}
	c->mixed |= c->pf_fits != pf->fits;
	c->pf_fits |= pf->fits;
	c->pfs++;
}

static void contested_count_vf(struct contested *c, const struct pci_candidate *vf)
{
	c->mixed |= c->vfs > 0 && c->vf_fits != vf->fits;
	c->vf_fits |= vf->fits;
	c->vfs++;
}

/* Fewest VFs first: of PFs that are alike otherwise, taking that one leaves the most. */
static int contested_compare(const void *left, const void *right)
{
	const struct contested *a = left, *b = right;

	return a->vfs != b->vfs ? a->vfs - b->vfs : a->candidate - b->candidate;
}

static bool contested_alike(const struct contested *a, const struct contested *b)
{
	return a->pf_fits == b->pf_fits && a->vf_fits == b->vf_fits && a->pfs == b->pfs && !a->mixed &&
	       !b->mixed;
}

static void contested_classify(struct assignment *a)
{
	if (a->contested_count == 0)
		return;
	qsort(a->contested, a->contested_count, sizeof *a->contested, contested_compare);
	for (size_t k = 0; k < a->contested_count; k++) {
		struct contested *c = &a->contested[k];

		c->class = -1;
		for (size_t m = 0; m < k && c->class < 0; m++) {
			if (contested_alike(c, &a->contested[m]))
				c->class = a->contested[m].class;
		}
		if (c->class < 0)
			c->class = a->class_count++;
	}
}

/* PFs nobody wants the VFs of, and VFs whose PF nobody wants, exclude nothing. */
static void contested_find(struct assignment *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++) {
		if (a->candidates[i].whole && a->candidates[i].unit >= 0)
			contested_count_pf(a, i);
	}
	for (size_t i = 0; a->contested_count && i < a->count; i++) {
		struct contested *c = a->candidates[i].whole || a->candidates[i].unit < 0
					      ? NULL
					      : contested_of(a, a->candidates[i].unit);

		if (c)
			contested_count_vf(c, &a->candidates[i]);
	}
	for (size_t k = 0; k < a->contested_count; k++) {
		if (a->contested[k].vfs > 0)
			a->contested[kept++] = a->contested[k];
	}
	a->contested_count = kept;
	contested_classify(a);
	for (size_t i = 0; i < a->count; i++) {
		struct contested *c =
			a->candidates[i].unit < 0 ? NULL : contested_of(a, a->candidates[i].unit);

		a->contest[i] = c ? (int)(c - a->contested) : -1;
	}
}

/* Takes `left` more PFs whole out of the classes from `class` on, in all ways, until the rest can be matched.
 */
static bool try_classes(struct assignment *a, int class, size_t left)
{
	if (left == 0)
		return ++a->tries <= ASSIGN_MAX_TRIES && match(a);
	if (class == a->class_count || a->tries > ASSIGN_MAX_TRIES)
		return false;
	if (try_classes(a, class + 1, left))
		return true;
	bool found = false;
	size_t taken = 0;
	for (size_t k = 0; k < a->contested_count && !found && taken < left; k++) {
		if (a->contested[k].class != class)
			continue;
		a->contested[k].taken = true;
		taken++;
		found = try_classes(a, class + 1, left - taken);
	}
	for (size_t k = 0; k < a->contested_count && !found; k++) {
		if (a->contested[k].class == class)
			a->contested[k].taken = false;
	}
	return found;
}

/* As many slots as could have a contested PF bound how many are worth taking. */
static size_t most_taken(const struct assignment *a)
{
	uint64_t wanted = 0;
	size_t slots = 0;

	for (size_t k = 0; k < a->contested_count; k++)
		wanted |= a->contested[k].pf_fits;
	for (size_t slot = 0; slot < a->slot_count; slot++)
		slots += wanted >> a->slots[slot] & 1;
	return slots < a->contested_count ? slots : a->contested_count;
}

static bool assign_here(struct assignment *a)
{
	size_t most = most_taken(a);

	for (size_t k = 0; k < a->contested_count; k++)
		a->contested[k].taken = false;
	a->tries = 0;
	for (size_t taken = 0; taken <= most; taken++) {
		if (try_classes(a, 0, taken))
			return true;
	}
	return false;
}

/* Each node by itself in the order of preference of its first device, then all together. */
static bool assign_nodes(struct assignment *a)
{
	for (size_t i = 0; a->slot_count > 1 && i < a->count; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = a->candidates[k].numa_node == a->candidates[i].numa_node;
		a->numa_node = a->candidates[i].numa_node;
		if (!seen && a->numa_node >= 0 && assign_here(a))
			return true;
	}
	a->any_node = true;
	return assign_here(a);
}

bool pci_assign(const struct pci_candidate *candidates, size_t candidate_count, const uint8_t *slots,
		size_t slot_count, int *chosen)
{
	_cleanup_free_ int *owner = memory_alloc(candidate_count * sizeof *owner + 1);
	_cleanup_free_ int *contest = memory_alloc(candidate_count * sizeof *contest + 1);
	_cleanup_free_ uint32_t *visited = memory_alloc(candidate_count * sizeof *visited + 1);
	struct assignment a = {.candidates = candidates,
			       .count = candidate_count,
			       .slots = slots,
			       .slot_count = slot_count,
			       .chosen = chosen,
			       .owner = owner,
			       .visited = visited,
			       .contest = contest};
	bool found;

	if (slot_count > PCI_ASSIGN_MAX_SLOTS || slot_count > candidate_count)
		return slot_count == 0;
	contested_find(&a);
	found = assign_nodes(&a);
	free(a.contested);
	return found;
}
