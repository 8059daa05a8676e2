/* Telling which driver each PF has and what it lacks. */
#include "agent/capabilities.h"

#include "agent/guard.h"
#include "agent/known.h"
#include "agent/nic_driver.h"

#include <string.h>

static void add_pf(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct pci_device *pf)
{
	const struct nic_driver *driver = nic_driver_find(pf->driver);
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(doc, list, pf->netdev), *names;
	unsigned lacks = driver ? driver->lacks : 0;

	guard_lacks(pf->address, &lacks);
	yyjson_mut_obj_add_strcpy(doc, object, "driver", pf->driver);
	names = yyjson_mut_obj_add_arr(doc, object, "lacks");
	for (int i = 0; i < NIC_FEATURES; i++) {
		if (lacks & 1U << i)
			yyjson_mut_arr_add_str(doc, names, nic_feature_name(i));
	}
	if (driver && driver->note)
		yyjson_mut_obj_add_str(doc, object, "note", driver->note);
}

/* One that a guest has is known by the name of its network device, but by no driver. */
void capabilities_tell(yyjson_mut_doc *doc, yyjson_mut_val *nic)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_obj(doc, nic, "capabilities");

	for (size_t i = 0; i < known_count; i++) {
		const struct pci_device *d = &known[i].device;

		if (known[i].seen && known[i].carries && *d->netdev && strcmp(d->type, "type-PF") == 0 &&
		    *d->driver && strcmp(d->driver, "vfio-pci") != 0)
			add_pf(doc, list, d);
	}
}
