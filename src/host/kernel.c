/* Which words the kernel's command line must have. */
#include "host/subjects.h"

#include "base/memory.h"

static void add(struct cmdline_change *change, const char *word)
{
	change->add[change->add_count++] = word;
}

static void remove_word(struct cmdline_change *change, const char *word)
{
	change->remove[change->remove_count++] = word;
}

/* An IOMMU that works without a word on the command line (the kernel's default, as in Debian) needs none. One
 * that works because of a word needs it at the next boot as well. */
static bool needs(const struct machine *m, const char *word)
{
	return m->iommu_groups == 0 || cmdline_has(m->cmdline, word);
}

void kernel_change(const struct machine *m, struct cmdline_change *change)
{
	bool vtd = m->dmar || (!m->ivrs && m->intel);

	*change = (struct cmdline_change){.pages = m->wishes.pages, .pages_count = m->wishes.pages_count};
	if (vtd && needs(m, "intel_iommu=on"))
		add(change, "intel_iommu=on");
	if (needs(m, "iommu=pt"))
		add(change, "iommu=pt");
	remove_word(change, "intel_iommu=off");
	remove_word(change, "amd_iommu=off");
	remove_word(change, "iommu=off");
	remove_word(change, "intremap=off");
	remove_word(change, "nointremap");
}

bool kernel_plan(const struct cmdline_change *change, struct plan *plan, struct error *err)
{
	bool entries = bls_is_used(), grub = machine_has("/etc/default/grub");

	if (!entries && !grub) {
		plan_note(
			plan,
			"found neither /etc/default/grub nor entries of the Boot Loader Specification: give "
			"the kernel its command line by hand");
		for (size_t i = 0; i < change->add_count; i++)
			plan_note(plan, "the kernel's command line needs %s", change->add[i]);
		return true;
	}
	if (entries)
		bls_plan(change, plan);
	return !grub || grub_plan(change, entries, plan, err);
}

bool kernel_verify(const struct cmdline_change *change, struct error *err)
{
	if (bls_is_used())
		return bls_verify(change, err);
	return !machine_has("/etc/default/grub") || grub_verify(change, err);
}
