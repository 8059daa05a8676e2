/* The operator's command in the simulator: what a site is begun with. */
#include "base/log.h"
#include "cli/cli.h"

#include <string.h>

int main(int argc, char **argv)
{
	log_set_level(LOG_LEVEL_WARNING);
	return strcmp(argv[1], "bootstrap") == 0 ? cli_bootstrap(argc - 1, argv + 1)
						 : cli_agent_token(argc - 1, argv + 1);
}
