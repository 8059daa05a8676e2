/* Within the compute room: handlers of a flavor's extra specs and of its access list. */
#pragma once

#include "compute/service.h"

http_handler flavor_specs_index, flavor_specs_create, flavor_specs_show, flavor_specs_update,
	flavor_specs_delete, flavor_access_index, flavor_access_change;
