/* Which microversion of the compute API a request speaks. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* From the headers OpenStack-API-Version ("compute 2.61", perhaps beside other services') and
 * X-OpenStack-Nova-API-Version ("2.61"); either may be NULL.  None: 2.1.  2.61 is 2061.  What is no version
 * is ERROR_BAD_REQUEST, what is not spoken ERROR_NOT_ACCEPTABLE. */
bool microversion_negotiate(const char *header, const char *old_header, int *microversion, struct error *err);
