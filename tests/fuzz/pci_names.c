/* pci.ids: what is asked for is found within the text, on one line, and within its vendor's lines. */
#include "fuzz.h"

#include "cli/pci_names.h"

static void check_name(const char *text, const char *name)
{
	if (!name)
		return;
	FUZZ_CHECK(!strpbrk(name, "\r\n"));
	FUZZ_CHECK(strstr(text, name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *text = fuzz_rest(&input), *no_other = NULL;
	struct pci_names *names = pci_names_parse(text);
	_cleanup_free_ char *vendor = pci_names_vendor(names, "8086"),
			    *product = pci_names_product(names, "8086", "10c9"),
			    *class_name = pci_names_class(names, "0200");

	check_name(text, vendor);
	check_name(text, product);
	check_name(text, class_name);
	FUZZ_CHECK(!product || vendor);
	no_other = pci_names_product(names, "8086", "10C9");
	FUZZ_CHECK(!no_other);
	pci_names_free(names);
	return 0;
}
