/* PCI devices as Placement names them: resource classes, traits, and what a host must not configure if its
 * devices are to be seen there ([pci] report_in_placement).  Pure logic.
 *
 * A device's class is its spec's `resource_class`, or CUSTOM_PCI_<VENDOR>_<PRODUCT>; its traits are its
 * spec's `traits` (a comma-separated text) and some that follow from what it is.  Names are written in
 * capitals, what is no letter, digit or _ becomes _, and what is not one of the standard names gets CUSTOM_
 * in front. */
#pragma once

#include "base/error.h"
#include "pci/device.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_NAME_SIZE 256 /* a class or a trait, and its end */

extern const char *const pci_standard_classes[], *const pci_standard_traits[]; /* sorted */
extern const size_t pci_standard_class_count, pci_standard_trait_count;

bool pci_class_is_standard(const char *name);
bool pci_trait_is_standard(const char *name);

/* The class that a text means; false if it would be longer than names may be, or empty. */
bool pci_class_name(const char *text, char name[PCI_NAME_SIZE]);
/* CUSTOM_PCI_8086_1515 */
char *pci_class_of_ids(uint16_t vendor_id, uint16_t product_id, char name[PCI_NAME_SIZE]);

/* Traits are kept as one text, sorted, each once, with a comma before and after each: ",CUSTOM_BLUE,"; "," if
 * there are none.  NULL if one of them is too long; freed by the caller. */
char *pci_traits_of(const char *list);
/* Has it all that are wanted?  Both as pci_traits_of() makes them. */
bool pci_traits_include(const char *traits, const char *wanted);

/* What a device is in Placement. */
struct pci_resource {
	char resource_class[PCI_NAME_SIZE];
	char *traits; /* owned */
};

/* By its ids and its spec's tags (a JSON object or NULL).  ERROR_BAD_REQUEST if a name is too long;
 * pci_resource_done() in any case. */
bool pci_resource_of(uint16_t vendor_id, uint16_t product_id, yyjson_val *tags, struct pci_resource *resource,
		     struct error *err);
void pci_resource_done(struct pci_resource *resource);

/* A device that is offered without a physical network: others are not shown in Placement (in Nova too). */
struct pci_reported {
	const char *address, *vendor_id, *product_id;
	const char *parent; /* of a VF */
	const char *tags;   /* JSON object */
};

/* Can these devices of a host be shown together?  Not a PF and VFs of it, nor VFs of one PF that differ in
 * class or traits, nor a VF with one_time_use.  ERROR_CONFLICT says which specs contradict each other. */
bool pci_reported_check(const struct pci_reported *devices, size_t count, struct error *err);
