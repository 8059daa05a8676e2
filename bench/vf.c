/* What a VF costs on its way to a guest and back: the agent's own code (program, verify, bind; release,
 * verify) beside the floor, which is the bare rtnetlink messages and sysfs writes of the same, one after the
 * other, with nothing looked at. */
#include "agent/vf.h"
#include "agent/deadline.h"
#include "agent/grant.h"
#include "agent/held.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 1000
#define PORT	   "11111111-2222-3333-4444-555555555555"
#define SERVER	   "99999999-2222-3333-4444-555555555555"

enum { REMEMBER, SETUP, RELEASE, FLOOR_SETUP, FLOOR_RELEASE, FLOOR_RESET, TIMES };

static const char server_json[] = "{\"id\": \"" SERVER "\", \"ports\": [{\"id\": \"" PORT "\","
				  " \"mac_address\": \"fa:16:3e:00:00:42\", \"vlan\": 1010, \"mtu\": 1500}]}";
static const struct vf_settings programmed = {.mac_address = "fa:16:3e:00:00:42",
					      .vlan = 1010,
					      .spoof_check = 1};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "vf: %s: %s\n", what, why);
	exit(1);
}

/* --- the floor --- */

static struct mnl_socket *link_socket;
static int pf_index;

static void send_bare(int vf, size_t attribute, const struct vf_settings *settings)
{
	char buffer[VF_MESSAGE_SIZE], answer[8192];
	struct nlmsghdr *message = vf_message(buffer, pf_index, vf, &vf_attributes[attribute], settings);

	if (mnl_socket_sendto(link_socket, message, message->nlmsg_len) < 0)
		die("netlink", strerror(errno));
	ssize_t size = mnl_socket_recvfrom(link_socket, answer, sizeof answer);
	if (size < 0 || mnl_cb_run(answer, (size_t)size, 0, 0, NULL, NULL) < 0)
		die("netlink", strerror(errno));
}

static void write_bare(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path, strerror(errno));
	close(fd);
}

/* MAC and VLAN: what differs from a clean VF. */
static void program_bare(int vf, const struct vf_settings *settings)
{
	send_bare(vf, 0, settings);
	send_bare(vf, 1, settings);
}

static void floor_round(const char *address, int vf, double times[TIMES])
{
	char override[100], unbind[100], reset[100];

	snprintf(override, sizeof override, "/sys/bus/pci/devices/%s/driver_override", address);
	snprintf(unbind, sizeof unbind, "/sys/bus/pci/devices/%s/driver/unbind", address);
	snprintf(reset, sizeof reset, "/sys/bus/pci/devices/%s/reset", address);
	double begun = now_ms();
	write_bare(override, "vfio-pci");
	write_bare("/sys/bus/pci/drivers_probe", address);
	program_bare(vf, &programmed);
	double set_up = now_ms();
	program_bare(vf, &vf_clean);
	write_bare(override, "\n");
	write_bare(unbind, address);
	double before_reset = now_ms();
	write_bare(reset, "1");
	double ended = now_ms();
	times[FLOOR_SETUP] = set_up - begun;
	times[FLOOR_RELEASE] = ended - set_up;
	times[FLOOR_RESET] = ended - before_reset;
}

/* --- the agent's way --- */

static void agent_round(const char *address, yyjson_val *server, double times[TIMES])
{
	struct granted_device device = {.port_id = PORT, .owner = SERVER, .grant = 1};
	struct error err;

	double begun = now_ms();
	if (!device_find(address, &device.place, &err) || !device_remember(address, &device.memory, &err))
		die("remembering", err.message);
	double remembered = now_ms();
	if (!granted_setup(&device, server, &err))
		die("setting up", err.message);
	double set_up = now_ms();
	if (!granted_release(&device, &err))
		die("releasing", err.message);
	times[REMEMBER] = remembered - begun;
	times[SETUP] = set_up - remembered;
	times[RELEASE] = now_ms() - set_up;
}

/* --- the figures --- */

static int compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(double times[ROUNDS_MAX][TIMES], int rounds, int which)
{
	static double sorted[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++)
		sorted[i] = times[i][which];
	qsort(sorted, (size_t)rounds, sizeof *sorted, compare);
	return sorted[rounds / 2];
}

static void tell(const char *what, double agent, double bare)
{
	printf("%-28s agent %8.2f ms, floor %8.2f ms, ratio %.2f\n", what, agent, bare, agent / bare);
}

int main(int argc, char **argv)
{
	static double times[ROUNDS_MAX][TIMES];
	int rounds = argc > 3 ? atoi(argv[3]) : 20, vf = argc > 2 ? atoi(argv[2]) : 0;
	char link[200], path[100], *address;
	ssize_t length;

	if (argc < 3 || rounds < 1 || rounds > ROUNDS_MAX)
		die("usage", "vf PF VF-NUMBER [ROUNDS]: as root; the VF must be nobody's, without a driver");
	pf_index = (int)if_nametoindex(argv[1]);
	snprintf(path, sizeof path, "/sys/class/net/%.15s/device/virtfn%d", argv[1], vf);
	length = readlink(path, link, sizeof link - 1);
	if (pf_index == 0 || length < 0)
		die(path, strerror(errno));
	link[length] = '\0';
	address = strrchr(link, '/') + 1;
	link_socket = mnl_socket_open(NETLINK_ROUTE);
	if (!link_socket || mnl_socket_bind(link_socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink", strerror(errno));
	world = deadline_world(&world_real); /* as the agent works */
	yyjson_doc *doc = yyjson_read(server_json, sizeof server_json - 1, 0);
	for (int i = 0; i < rounds; i++) {
		agent_round(address, yyjson_doc_get_root(doc), times[i]);
		floor_round(address, vf, times[i]);
	}
	yyjson_doc_free(doc);
	double reset = median(times, rounds, FLOOR_RESET);
	printf("VF %d of %s (%s), median of %d rounds; the reset alone takes %.2f ms, what the journal "
	       "remembers "
	       "of it %.2f ms\n",
	       vf, argv[1], address, rounds, reset, median(times, rounds, REMEMBER));
	tell("program, verify, bind", median(times, rounds, SETUP), median(times, rounds, FLOOR_SETUP));
	tell("release, verify", median(times, rounds, RELEASE), median(times, rounds, FLOOR_RELEASE));
	tell("release without the reset", median(times, rounds, RELEASE) - reset,
	     median(times, rounds, FLOOR_RELEASE) - reset);
	return 0;
}
