/* The parts of a domain's XML that place it on NUMA cells and CPUs of the host. */
#pragma once

#include "base/text.h"

#include <yyjson.h>

/* `server` as checked by server_check(); nothing is added for a server without "numa".
 * memoryBacking, cputune and numatune, which stand beside <vcpu>: */
void numa_xml_tuning(yyjson_val *server, struct text *xml);
/* <numa> of <cpu>; false if there is none. */
bool numa_xml_cells(yyjson_val *server, struct text *xml);
