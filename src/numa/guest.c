/* Reading what a guest wants of NUMA, CPUs and pages. */
#include "numa/guest.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* One option on both sides: hw:NAME of the flavor and hw_NAME of the image. */
struct option {
	char flavor_key[40], image_key[40];
	const char *flavor, *image; /* values, or NULL */
};

static const char *flavor_says(const struct numa_wish *wish, const char *key)
{
	const char *value = wish->flavor ? wish->flavor(wish->flavor_context, key) : NULL;

	return text_is_empty(value) ? NULL : value;
}

static const char *image_says(const struct numa_wish *wish, const char *key)
{
	const char *value = wish->image ? wish->image(wish->image_context, key) : NULL;

	return text_is_empty(value) ? NULL : value;
}

static struct option option_of(const struct numa_wish *wish, const char *name)
{
	struct option option;

	snprintf(option.flavor_key, sizeof option.flavor_key, "hw:%s", name);
	snprintf(option.image_key, sizeof option.image_key, "hw_%s", name);
	option.flavor = flavor_says(wish, option.flavor_key);
	option.image = image_says(wish, option.image_key);
	return option;
}

static struct option option_of_node(const struct numa_wish *wish, const char *name, int node)
{
	char full[32];

	snprintf(full, sizeof full, "%s.%d", name, node);
	return option_of(wish, full);
}

static const char *option_value(const struct option *option)
{
	return option->flavor ? option->flavor : option->image;
}

static const char *option_key(const struct option *option)
{
	return option->flavor ? option->flavor_key : option->image_key;
}

/* Nova's ImageNUMATopologyForbidden: no side changes what the other says. */
static bool option_is_on_one_side(const struct option *option, struct error *err)
{
	return !option->flavor || !option->image ||
	       error_set(err, ERROR_BAD_REQUEST, "the flavor sets %s and the image %s: only one of them may",
			 option->flavor_key, option->image_key);
}

/* A word of a list whose first is the value 1 of its enum if `first` is 1; `allowed` is for the error. */
static bool word_read(const char *key, const char *value, const char *const *words, size_t count, int first,
		      const char *allowed, int *result, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], value) == 0) {
			*result = first + (int)i;
			return true;
		}
	}
	return error_set(err, ERROR_BAD_REQUEST, "%s: '%.60s' is unknown; allowed are %s", key, value,
			 allowed);
}

/* --- policies --- */

static bool cpu_policy_word(const char *key, const char *value, int *policy, struct error *err)
{
	static const char *const words[] = {"shared", "dedicated", "mixed"};

	return !value || word_read(key, value, words, ELEMENTS_OF(words), NUMA_CPU_SHARED,
				   "shared, dedicated and mixed", policy, err);
}

/* The flavor's `dedicated` wins; what the flavor leaves to float an image cannot pin
 * (ImageCPUPinningForbidden).
 */
static bool cpu_policy_read(const struct numa_wish *wish, struct numa_guest *guest, bool *given,
			    struct error *err)
{
	struct option option = option_of(wish, "cpu_policy");
	int flavor = NUMA_CPU_SHARED, image = NUMA_CPU_SHARED;

	if (!cpu_policy_word(option.flavor_key, option.flavor, &flavor, err) ||
	    !cpu_policy_word(option.image_key, option.image, &image, err))
		return false;
	if (option.flavor && ((flavor == NUMA_CPU_SHARED && image != NUMA_CPU_SHARED) ||
			      (flavor == NUMA_CPU_MIXED && image == NUMA_CPU_DEDICATED)))
		return error_set(err, ERROR_BAD_REQUEST,
				 "the image's hw_cpu_policy %s is more than the flavor's hw:cpu_policy %s "
				 "allows: leave it out, or set hw:cpu_policy of the flavor",
				 option.image, option.flavor);
	*given = option.flavor || option.image;
	guest->cpu_policy = (enum numa_cpu_policy)(option.flavor ? flavor : image);
	return true;
}

static bool thread_policy_word(const char *key, const char *value, int *policy, struct error *err)
{
	static const char *const words[] = {"prefer", "isolate", "require"};

	return !value || word_read(key, value, words, ELEMENTS_OF(words), NUMA_THREADS_PREFER,
				   "prefer, isolate and require", policy, err);
}

/* A flavor that says nothing or `prefer` lets the image choose. */
static bool thread_policy_read(const struct numa_wish *wish, struct numa_guest *guest, struct error *err)
{
	struct option option = option_of(wish, "cpu_thread_policy");
	int flavor = NUMA_THREADS_UNSET, image = NUMA_THREADS_UNSET;

	if (!thread_policy_word(option.flavor_key, option.flavor, &flavor, err) ||
	    !thread_policy_word(option.image_key, option.image, &image, err))
		return false;
	if (flavor > NUMA_THREADS_PREFER && option.image && image != flavor)
		return error_set(err, ERROR_BAD_REQUEST,
				 "the image's hw_cpu_thread_policy %s differs from the flavor's "
				 "hw:cpu_thread_policy %s: only a flavor with prefer or none lets the image "
				 "choose",
				 option.image, option.flavor);
	if (flavor > NUMA_THREADS_PREFER || !option.image)
		guest->thread_policy = (enum numa_thread_policy)flavor;
	else
		guest->thread_policy = (enum numa_thread_policy)image;
	return true;
}

/* Only a flavor may say it. */
static bool emulator_policy_read(const struct numa_wish *wish, struct numa_guest *guest, struct error *err)
{
	static const char *const words[] = {"share", "isolate"};
	const char *key = "hw:emulator_threads_policy", *value = flavor_says(wish, key);
	int policy = NUMA_EMULATOR_UNSET;

	if (value && !word_read(key, value, words, ELEMENTS_OF(words), NUMA_EMULATOR_SHARE,
				"share and isolate", &policy, err))
		return false;
	guest->emulator_policy = (enum numa_emulator_policy)policy;
	return true;
}

/* What needs CPUs of its own. */
static bool policies_agree(const struct numa_guest *guest, struct error *err)
{
	if (guest->cpu_policy != NUMA_CPU_SHARED)
		return true;
	if (guest->thread_policy != NUMA_THREADS_UNSET)
		return error_set(err, ERROR_BAD_REQUEST,
				 "cpu_thread_policy is only allowed with hw:cpu_policy dedicated or mixed");
	return guest->emulator_policy != NUMA_EMULATOR_ISOLATE ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "hw:emulator_threads_policy isolate is only allowed with hw:cpu_policy dedicated or "
			 "mixed");
}

/* --- Placement's way to say the same: resources:VCPU, resources:PCPU, trait:HW_CPU_HYPERTHREADING --- */

static bool resource_read(const struct numa_wish *wish, const char *key, int64_t *amount, struct error *err)
{
	const char *value = flavor_says(wish, key);

	*amount = 0;
	return !value || text_to_int64(value, 0, INT32_MAX, amount) ||
	       error_set(err, ERROR_BAD_REQUEST, "%s: '%.60s' is no number of CPUs", key, value);
}

static bool resources_read(const struct numa_wish *wish, struct numa_guest *guest, bool policy_given,
			   struct error *err)
{
	bool isolate = guest->emulator_policy == NUMA_EMULATOR_ISOLATE;
	int64_t vcpu, pcpu;

	if (!resource_read(wish, "resources:VCPU", &vcpu, err) ||
	    !resource_read(wish, "resources:PCPU", &pcpu, err))
		return false;
	if ((vcpu || pcpu) && policy_given)
		return error_set(err, ERROR_BAD_REQUEST,
				 "resources:VCPU and resources:PCPU are not allowed together with "
				 "hw:cpu_policy or hw_cpu_policy");
	if (vcpu && pcpu)
		return error_set(err, ERROR_BAD_REQUEST,
				 "resources:VCPU and resources:PCPU are not allowed together: "
				 "use hw:cpu_policy mixed");
	if (pcpu && pcpu != wish->vcpus + isolate)
		return error_set(err, ERROR_BAD_REQUEST,
				 "resources:PCPU must be %lld: the flavor's %lld vCPUs%s",
				 (long long)wish->vcpus + isolate, (long long)wish->vcpus,
				 isolate ? " and one for hw:emulator_threads_policy isolate" : "");
	if (pcpu)
		guest->cpu_policy = NUMA_CPU_DEDICATED;
	return true;
}

static bool trait_word(const char *side, const char *value, int *result, struct error *err)
{
	static const char *const words[] = {"required", "forbidden"};
	char key[64];

	snprintf(key, sizeof key, "%s's trait:HW_CPU_HYPERTHREADING", side);
	return !value || word_read(key, value, words, ELEMENTS_OF(words), NUMA_HYPERTHREADS_REQUIRED,
				   "required and forbidden", result, err);
}

/* For pinned guests it says how to use threads; for others it is a wish for a host with or without them. */
static bool trait_read(const struct numa_wish *wish, struct numa_guest *guest, struct error *err)
{
	const char *key = "trait:HW_CPU_HYPERTHREADING";
	const char *flavor = flavor_says(wish, key), *image = image_says(wish, key);
	int of_flavor = 0, of_image = 0;

	if (!trait_word("the flavor", flavor, &of_flavor, err) ||
	    !trait_word("the image", image, &of_image, err))
		return false;
	if (flavor && image && of_flavor != of_image)
		return error_set(err, ERROR_BAD_REQUEST,
				 "%s is %s in the flavor and %s in the image: they must not differ", key,
				 flavor, image);
	guest->hyperthreads = (enum numa_hyperthreads)(flavor ? of_flavor : of_image);
	if (guest->hyperthreads == NUMA_HYPERTHREADS_ANY || guest->cpu_policy == NUMA_CPU_SHARED)
		return true;
	if (guest->thread_policy != NUMA_THREADS_UNSET)
		return error_set(err, ERROR_BAD_REQUEST,
				 "%s is not allowed together with cpu_thread_policy: they say the same", key);
	guest->thread_policy = guest->hyperthreads == NUMA_HYPERTHREADS_REQUIRED ? NUMA_THREADS_REQUIRE
										 : NUMA_THREADS_ISOLATE;
	return true;
}

/* --- which vCPUs are dedicated, which run in real time --- */

/* A list that begins with ^ leaves out of all. */
static bool mask_read(const char *key, const char *value, int vcpus, struct cpu_set *set, struct error *err)
{
	_cleanup_free_ char *list = value[strspn(value, " ")] == '^'
					    ? memory_printf("0-%d,%s", vcpus - 1, value)
					    : memory_copy_text(value);

	return cpu_set_parse(key, list, vcpus, set, err);
}

/* The emulator's threads need a vCPU that does not run in real time, or a place of their own. */
static bool realtime_is_proper(const struct numa_guest *guest, struct error *err)
{
	int count = cpu_set_count(&guest->realtime);

	if (count == 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "cpu_realtime_mask must leave at least one vCPU that runs in real time");
	return count < guest->vcpus || guest->emulator_policy != NUMA_EMULATOR_UNSET ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "hw:cpu_realtime needs a cpu_realtime_mask that leaves out at least one of the %d "
			 "vCPUs (as in ^0), or hw:emulator_threads_policy",
			 guest->vcpus);
}

/* The image's mask goes before the flavor's; without one all vCPUs run in real time. */
static bool realtime_read(const struct numa_wish *wish, struct numa_guest *guest, struct error *err)
{
	struct option option = option_of(wish, "cpu_realtime_mask");
	const char *value = flavor_says(wish, "hw:cpu_realtime");
	bool realtime = false;

	if (value && !text_to_bool(value, &realtime))
		return error_set(err, ERROR_BAD_REQUEST, "hw:cpu_realtime: '%.60s' is neither true nor false",
				 value);
	if (!realtime)
		return true;
	if (guest->cpu_policy == NUMA_CPU_SHARED)
		return error_set(err, ERROR_BAD_REQUEST,
				 "hw:cpu_realtime is only allowed with hw:cpu_policy dedicated or mixed");
	cpu_set_add_range(&guest->realtime, 0, guest->vcpus - 1);
	if (option.image && !mask_read(option.image_key, option.image, guest->vcpus, &guest->realtime, err))
		return false;
	if (!option.image && option.flavor &&
	    !mask_read(option.flavor_key, option.flavor, guest->vcpus, &guest->realtime, err))
		return false;
	return realtime_is_proper(guest, err);
}

static bool mixed_is_proper(const struct numa_guest *guest, const char *key, const struct cpu_set *dedicated,
			    struct error *err)
{
	int count = cpu_set_count(dedicated);

	return (count > 0 && count < guest->vcpus) ||
	       error_set(
		       err, ERROR_BAD_REQUEST,
		       "%s selects %d of %d vCPUs: with hw:cpu_policy mixed it must be at least one and not "
		       "all",
		       key, count, guest->vcpus);
}

/* Of a mixed guest: by hw:cpu_dedicated_mask, or those that run in real time; exactly one of them says it. */
static bool dedicated_read(const struct numa_wish *wish, const struct numa_guest *guest,
			   struct cpu_set *dedicated, struct error *err)
{
	bool realtime = !cpu_set_is_empty(&guest->realtime);
	const char *key = "hw:cpu_dedicated_mask", *mask = flavor_says(wish, key);

	*dedicated = (struct cpu_set){0};
	if (guest->cpu_policy == NUMA_CPU_DEDICATED)
		cpu_set_add_range(dedicated, 0, guest->vcpus - 1);
	if (guest->cpu_policy != NUMA_CPU_MIXED)
		return !mask ||
		       error_set(err, ERROR_BAD_REQUEST, "%s is only allowed with hw:cpu_policy mixed", key);
	if (!mask == !realtime)
		return error_set(err, ERROR_BAD_REQUEST,
				 "hw:cpu_policy mixed needs either %s or hw:cpu_realtime with a "
				 "cpu_realtime_mask, and not both: it says which vCPUs are dedicated",
				 key);
	if (!mask) {
		*dedicated = guest->realtime;
		return mixed_is_proper(guest, "cpu_realtime_mask", dedicated, err);
	}
	return mask_read(key, mask, guest->vcpus, dedicated, err) &&
	       mixed_is_proper(guest, key, dedicated, err);
}

/* --- pages --- */

/* KiB, or with a unit: 2048, 2048KB, 2MB, 1G. */
static bool page_size_number(const char *value, int64_t *page_kb)
{
	static const char units[] = "KMGT";
	char digits[16];
	size_t length = strspn(value, "0123456789");
	const char *unit = value + length, *found;
	int64_t number;

	if (length >= sizeof digits)
		return false;
	memcpy(digits, value, length);
	digits[length] = '\0';
	if (!text_to_int64(digits, 1, INT32_MAX, &number))
		return false;
	if (*unit) {
		found = strchr(units, toupper((unsigned char)*unit));
		unit++;
		unit += *unit == 'i';
		unit += *unit == 'B';
		if (!found || *unit)
			return false;
		number <<= 10 * (found - units);
	}
	*page_kb = number;
	return true;
}

static bool page_size_read(const char *key, const char *value, int64_t *page_kb, struct error *err)
{
	if (strcmp(value, "small") == 0)
		*page_kb = NUMA_PAGES_SMALL;
	else if (strcmp(value, "large") == 0)
		*page_kb = NUMA_PAGES_LARGE;
	else if (strcmp(value, "any") == 0)
		*page_kb = NUMA_PAGES_ANY;
	else
		return page_size_number(value, page_kb) ||
		       error_set(
			       err, ERROR_BAD_REQUEST,
			       "%s: '%.60s' is no size of pages; allowed are small, large, any, or a size as "
			       "2048 (KiB), 2MB or 1GB",
			       key, value);
	return true;
}

/* An image chooses only where the flavor leaves it open (Nova's MemoryPageSizeForbidden). */
static bool pages_read(const struct numa_wish *wish, struct numa_guest *guest, struct error *err)
{
	struct option option = option_of(wish, "mem_page_size");

	if (option.flavor && !page_size_read(option.flavor_key, option.flavor, &guest->page_kb, err))
		return false;
	if (!option.image)
		return true;
	if (guest->page_kb != NUMA_PAGES_ANY && guest->page_kb != NUMA_PAGES_LARGE)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"the image's hw_mem_page_size %.60s needs a flavor with hw:mem_page_size any "
			"or large",
			option.image);
	return page_size_read(option.image_key, option.image, &guest->page_kb, err);
}

/* --- cells --- */

static bool nodes_read(const struct numa_wish *wish, int64_t *nodes, struct error *err)
{
	struct option option = option_of(wish, "numa_nodes");
	const char *value = option_value(&option);

	*nodes = 0;
	if (!option_is_on_one_side(&option, err))
		return false;
	return !value || text_to_int64(value, 1, NUMA_MAX_CELLS, nodes) ||
	       error_set(err, ERROR_BAD_REQUEST, "%s: '%.60s' is no number of nodes from 1 to %d",
			 option_key(&option), value, NUMA_MAX_CELLS);
}

/* Nova's ImageNUMATopologyAsymmetric. */
static bool cells_split(const struct numa_wish *wish, int nodes, struct numa_guest *guest, struct error *err)
{
	int vcpus = guest->vcpus / nodes;

	if (guest->vcpus % nodes || wish->memory_mb % nodes)
		return error_set(err, ERROR_BAD_REQUEST,
				 "%d vCPUs and %lld MB cannot be divided evenly among %d NUMA nodes: set "
				 "hw:numa_cpus.N and hw:numa_mem.N for each node",
				 guest->vcpus, (long long)wish->memory_mb, nodes);
	for (int i = 0; i < nodes; i++) {
		guest->cells[i].memory_mb = wish->memory_mb / nodes;
		cpu_set_add_range(&guest->cells[i].vcpus, i * vcpus, (i + 1) * vcpus - 1);
	}
	return true;
}

static bool cell_read(const struct numa_wish *wish, int node, struct numa_guest *guest, struct cpu_set *given,
		      struct error *err)
{
	struct option cpus = option_of_node(wish, "numa_cpus", node);
	struct option memory = option_of_node(wish, "numa_mem", node);
	struct numa_guest_cell *cell = &guest->cells[node];

	if (!option_value(&cpus) || !option_value(&memory))
		return error_set(err, ERROR_BAD_REQUEST,
				 "hw:numa_cpus.N and hw:numa_mem.N must be set both for each node or for "
				 "none: %s is missing",
				 option_value(&cpus) ? memory.flavor_key : cpus.flavor_key);
	if (!cpu_set_parse(option_key(&cpus), option_value(&cpus), guest->vcpus, &cell->vcpus, err))
		return false;
	if (cpu_set_intersects(&cell->vcpus, given))
		return error_set(err, ERROR_BAD_REQUEST, "%s: '%.60s' names a vCPU that another node has",
				 option_key(&cpus), option_value(&cpus));
	cpu_set_or(given, &cell->vcpus);
	return text_to_int64(option_value(&memory), 1, INT32_MAX, &cell->memory_mb) ||
	       error_set(err, ERROR_BAD_REQUEST, "%s: '%.60s' is no amount of memory in MB",
			 option_key(&memory), option_value(&memory));
}

static bool cells_read(const struct numa_wish *wish, int nodes, struct numa_guest *guest, struct error *err)
{
	struct cpu_set given = {0}, missing = {0};
	char text[CPU_SET_TEXT_SIZE];
	int64_t memory_mb = 0;

	for (int i = 0; i < nodes; i++) {
		if (!cell_read(wish, i, guest, &given, err))
			return false;
		memory_mb += guest->cells[i].memory_mb;
	}
	cpu_set_add_range(&missing, 0, guest->vcpus - 1);
	cpu_set_and_not(&missing, &given);
	if (!cpu_set_is_empty(&missing))
		return error_set(err, ERROR_BAD_REQUEST, "hw:numa_cpus.N give no node the vCPUs %.200s",
				 cpu_set_format(&missing, text));
	return memory_mb == wish->memory_mb ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "hw:numa_mem.N are %lld MB together: they must be the flavor's %lld MB",
			 (long long)memory_mb, (long long)wish->memory_mb);
}

/* Is any node described?  Each kind by one side only; none beyond the nodes that there are (Nova passes over
 * what comes after a gap). */
static bool cells_are_described(const struct numa_wish *wish, int nodes, bool *described, struct error *err)
{
	static const char *const names[] = {"numa_cpus", "numa_mem"};

	*described = false;
	for (size_t kind = 0; kind < ELEMENTS_OF(names); kind++) {
		struct option both = {0};

		for (int i = 0; i < NUMA_MAX_CELLS; i++) {
			struct option option = option_of_node(wish, names[kind], i);

			if (option_value(&option) && i >= nodes)
				return error_set(
					err, ERROR_BAD_REQUEST,
					nodes ? "%s: the guest has only %d NUMA nodes, counted from 0"
					      : "%s needs hw:numa_nodes",
					option_key(&option), nodes);
			*described = *described || option_value(&option);
			both.flavor = both.flavor ? both.flavor : option.flavor;
			both.image = both.image ? both.image : option.image;
		}
		snprintf(both.flavor_key, sizeof both.flavor_key, "hw:%s.N", names[kind]);
		snprintf(both.image_key, sizeof both.image_key, "hw_%s.N", names[kind]);
		if (!option_is_on_one_side(&both, err))
			return false;
	}
	return true;
}

/* Nodes, pages or CPUs of its own make a topology, of one node if nothing else is said; nothing else does. */
static bool topology_read(const struct numa_wish *wish, const struct cpu_set *dedicated,
			  struct numa_guest *guest, struct error *err)
{
	bool described;
	int64_t nodes;

	if (!nodes_read(wish, &nodes, err) || !cells_are_described(wish, (int)nodes, &described, err))
		return false;
	if (nodes == 0 && guest->page_kb == NUMA_PAGES_UNSET && guest->cpu_policy == NUMA_CPU_SHARED)
		return true;
	if (wish->vcpus > CPU_SET_MAX || wish->memory_mb > INT32_MAX)
		return error_set(err, ERROR_BAD_REQUEST,
				 "a guest with NUMA nodes, pages or CPUs of its own has at most %d vCPUs and "
				 "%d MB of memory",
				 CPU_SET_MAX, INT32_MAX);
	guest->cell_count = nodes ? (int)nodes : 1;
	if (!(described ? cells_read : cells_split)(wish, guest->cell_count, guest, err))
		return false;
	for (int i = 0; i < guest->cell_count; i++) {
		guest->cells[i].dedicated = guest->cells[i].vcpus;
		cpu_set_and(&guest->cells[i].dedicated, dedicated);
	}
	return true;
}

/* --- devices --- */

/* Nova answers 500 to a policy that there is not; and 403, as here, to two that differ. */
static bool pci_policy_read(const struct numa_wish *wish, struct numa_guest *guest, struct error *err)
{
	struct option option = option_of(wish, "pci_numa_affinity_policy");
	const char *value = option_value(&option);

	if (!value)
		return true;
	if (option.flavor && option.image && strcmp(option.flavor, option.image) != 0)
		return error_set(err, ERROR_FORBIDDEN,
				 "the image's %s %.40s differs from the flavor's %s %.40s: set one of them "
				 "only, or both alike",
				 option.image_key, option.image, option.flavor_key, option.flavor);
	guest->has_pci_policy = true;
	return pci_numa_policy_parse(value, &guest->pci_policy) ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "%s: '%.60s' is unknown; allowed are required, preferred, legacy and socket",
			 option_key(&option), value);
}

bool numa_guest_parse(const struct numa_wish *wish, struct numa_guest *guest, struct error *err)
{
	struct cpu_set dedicated;
	bool policy_given;

	*guest = (struct numa_guest){0};
	if (wish->vcpus < 1 || wish->memory_mb < 1)
		return error_set(err, ERROR_BAD_REQUEST, "a guest has at least one vCPU and 1 MB of memory");
	guest->vcpus = wish->vcpus < CPU_SET_MAX ? (int)wish->vcpus : CPU_SET_MAX;
	return cpu_policy_read(wish, guest, &policy_given, err) && thread_policy_read(wish, guest, err) &&
	       emulator_policy_read(wish, guest, err) && resources_read(wish, guest, policy_given, err) &&
	       trait_read(wish, guest, err) && policies_agree(guest, err) &&
	       realtime_read(wish, guest, err) && dedicated_read(wish, guest, &dedicated, err) &&
	       pages_read(wish, guest, err) && topology_read(wish, &dedicated, guest, err) &&
	       pci_policy_read(wish, guest, err);
}

bool numa_guest_equal(const struct numa_guest *a, const struct numa_guest *b)
{
	if (a->cell_count != b->cell_count)
		return false;
	if (a->cell_count == 0)
		return true;
	for (int i = 0; i < a->cell_count; i++) {
		const struct numa_guest_cell *of_a = &a->cells[i], *of_b = &b->cells[i];

		if (!cpu_set_equal(&of_a->vcpus, &of_b->vcpus) ||
		    !cpu_set_equal(&of_a->dedicated, &of_b->dedicated) || of_a->memory_mb != of_b->memory_mb)
			return false;
	}
	return a->cpu_policy == b->cpu_policy && a->thread_policy == b->thread_policy &&
	       a->emulator_policy == b->emulator_policy && a->page_kb == b->page_kb &&
	       cpu_set_equal(&a->realtime, &b->realtime);
}
