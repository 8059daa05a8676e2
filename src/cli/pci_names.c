/* Looking names up in pci.ids: vendors at the beginning of a line, their devices behind one tab, classes
 * behind a "C" and their sub-classes behind one tab (pci.ids(5)). */
#include "cli/pci_names.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

struct pci_names {
	char *text; /* begins with a line feed, so that every line has one before it */
};

struct pci_names *pci_names_parse(const char *text)
{
	struct pci_names *names = memory_alloc(sizeof *names);

	names->text = memory_printf("\n%s", text);
	return names;
}

struct pci_names *pci_names_read(void)
{
	static const char *const places[] = {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"};
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; !text && i < ELEMENTS_OF(places); i++)
		text = world->read(places[i]);
	return pci_names_parse(text ? text : "");
}

void pci_names_free(struct pci_names *names)
{
	free(names->text);
	free(names);
}

static bool is_id(const char *text, size_t digits)
{
	return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

/* Where the name of a line that begins like that is, from `at` on; NULL if there is none. */
static const char *line_find(const char *at, const char *begin)
{
	_cleanup_free_ char *wanted = memory_printf("\n%s  ", begin);
	const char *found = strstr(at, wanted);

	return found ? found + strlen(wanted) : NULL;
}

/* Where the lines that belong to one (they begin with a tab, or are comments) end. */
static const char *block_end(const char *at)
{
	while ((at = strchr(at, '\n')) && (at[1] == '\t' || at[1] == '#'))
		at++;
	return at;
}

static char *name_copy(const char *at)
{
	return at ? memory_printf("%.*s", (int)strcspn(at, "\r\n"), at) : NULL;
}

/* The name of a line of the block that begins at `block`. */
static char *name_within(const char *block, const char *id)
{
	_cleanup_free_ char *begin = memory_printf("\t%s", id);
	const char *found = block ? line_find(block, begin) : NULL, *end = block ? block_end(block) : NULL;

	return found && (!end || found < end) ? name_copy(found) : NULL;
}

char *pci_names_vendor(const struct pci_names *names, const char *vendor_id)
{
	return is_id(vendor_id, 4) ? name_copy(line_find(names->text, vendor_id)) : NULL;
}

char *pci_names_product(const struct pci_names *names, const char *vendor_id, const char *product_id)
{
	if (!is_id(vendor_id, 4) || !is_id(product_id, 4))
		return NULL;
	return name_within(line_find(names->text, vendor_id), product_id);
}

char *pci_names_class(const struct pci_names *names, const char *class_code)
{
	if (!is_id(class_code, 4))
		return NULL;
	_cleanup_free_ char *begin = memory_printf("C %.2s", class_code);
	const char *block = line_find(names->text, begin);
	char *name = name_within(block, class_code + 2);

	return name ? name : name_copy(block);
}
