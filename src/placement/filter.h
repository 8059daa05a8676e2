/* Within the placement room: what a request wants of providers (resources, required, member_of, in_tree). */
#pragma once

#include "http/http.h"
#include "placement/tree.h"

enum { FILTER_MAX = 64 }; /* of anything in one group */

struct filter_amount {
	char class[PCI_NAME_SIZE];
	int64_t amount;
};

/* One of the list, or (not) any of it. */
struct filter_any {
	char *names; /* between commas, as pci_traits_of() */
	bool forbidden;
};

/* Start from {0}; filter_done() in any case. */
struct filter {
	struct filter_amount amounts[FILTER_MAX];
	size_t amount_count;
	struct filter_any traits[FILTER_MAX];
	size_t trait_count;
	struct filter_any aggregates[FILTER_MAX];
	size_t aggregate_count;
	bool in_tree;
	size_t tree_root; /* then: the host of that tree, or SIZE_MAX: there is none */
};

/* Reads the parameters whose names end with `suffix` ("" for those of no group). */
bool filter_read(struct http_request *request, const char *suffix, const struct tree *tree,
		 struct filter *filter, struct error *err);
/* The same of one text as `required` has it; NULL: nothing is wanted. */
bool filter_read_traits(struct http_request *request, const char *value, const struct tree *tree,
			struct filter *filter, struct error *err);
void filter_done(struct filter *filter);

/* Are these traits (of one provider or of several together) what is wanted? */
bool filter_traits_fit(const struct filter *filter, const char *traits);
/* Is the provider's host in the aggregates and in the tree that are wanted? */
bool filter_place_fits(const struct filter *filter, const struct tree *tree, size_t provider);
/* All of it, by this provider alone. */
bool filter_fits(const struct filter *filter, const struct tree *tree, size_t provider);
