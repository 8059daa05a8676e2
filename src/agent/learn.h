/* What an earlier life of the agent left: its grant journals, against the ledger. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Enters in the ledger what the journals below the folder say; what no journal says is struck out, as nothing
 * was done to it yet.  Of two servers' journals the one of the later grant is right; if that cannot be told
 * the device is quarantined.  False: a journal cannot be read, `why` says which; then nothing is struck out.
 */
bool learn_journals(const char *instances, char *why, size_t size);
