/* Load on an HTTP server from one process: keeps N connections busy, each sending its next request when it
 *has the answer to the last, and prints how many answers came in a second and how long they took.
 *
 *	load --connections 16 --seconds 5 GET http://127.0.0.1:5000/compute/v2.1/servers/ID
 *	load --connections 16 --body '{"port":{"network_id":"%s"}}' --items FILE POST URL
 *
 * %s in the URL and the body stands for the request's item: a line of FILE, or its number.  With --until WORD
 *each POST is followed by GETs of the thing made until the answer has the word, and the time is that of all
 *of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER	   131072
#define POLL_EVERY 2e-3 /* seconds between two looks at a thing that is not ready yet */

struct plan {
	const char *method, *path, *body, *token, *until;
	char host[64];
	char (*items)[64];
	int port, connections;
	long count; /* requests; 0: as many as fit */
	double seconds;
	FILE *ids;
};

struct connection {
	int fd;
	bool polling, resting;
	double began, look_at;
	char id[64];
	char in[BUFFER], out[8192];
	size_t have, out_size, out_sent;
};

static struct plan plan = {.connections = 1};
static struct connection *connections;
static double *times;
static size_t time_count;
static long sent, failed, polls;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Copies the text with the item in the place of %s. */
static void fill(char *out, size_t size, const char *text, const char *item)
{
	const char *place = strstr(text, "%s");

	if (place)
		snprintf(out, size, "%.*s%s%s", (int)(place - text), text, item, place + 2);
	else
		snprintf(out, size, "%s", text);
}

static void push(struct connection *c)
{
	while (c->out_sent < c->out_size) {
		ssize_t n = write(c->fd, c->out + c->out_sent, c->out_size - c->out_sent);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			die("write");
		c->out_sent += (size_t)n;
	}
}

static void request_send(struct connection *c, const char *method, const char *path, const char *body)
{
	c->have = c->out_sent = 0;
	c->out_size = (size_t)snprintf(c->out, sizeof c->out,
				       "%s %s HTTP/1.1\r\nHost: %s:%d\r\nX-Auth-Token: %s\r\n"
				       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
				       method, path, plan.host, plan.port, plan.token, strlen(body), body);
	push(c);
}

/* Sends the connection's next request; false: there is none. */
static bool next_send(struct connection *c, double end)
{
	char path[512], body[2048], number[32];
	const char *item = number;

	if (plan.count ? sent >= plan.count : now() >= end)
		return false;
	snprintf(number, sizeof number, "%ld", sent);
	if (plan.items)
		item = plan.items[sent];
	sent++;
	fill(path, sizeof path, plan.path, item);
	fill(body, sizeof body, plan.body, item);
	c->began = now();
	c->polling = false;
	request_send(c, plan.method, path, body);
	return true;
}

static void look_again(struct connection *c)
{
	char path[600];

	c->resting = false;
	polls++;
	snprintf(path, sizeof path, "%s/%s", plan.path, c->id);
	request_send(c, "GET", path, "");
}

static void id_find(struct connection *c)
{
	const char *id = strstr(c->in, "\"id\":\"");

	*c->id = '\0';
	if (id)
		snprintf(c->id, sizeof c->id, "%.36s", id + 6);
	if (id && plan.ids)
		fprintf(plan.ids, "%s\n", c->id);
}

/* The answer is whole: true if the connection is done with this request. */
static bool answer_take(struct connection *c)
{
	int status = atoi(c->in + 9);
	bool good = status >= 200 && status < 300;

	if (!good && failed++ == 0)
		fprintf(stderr, "load: %.600s\n", c->in);
	if (good && !c->polling && (plan.ids || plan.until))
		id_find(c);
	if (good && plan.until && !strstr(c->in, plan.until)) {
		if (strstr(c->in, "\"ERROR\"") && failed++ == 0)
			fprintf(stderr, "load: %.900s\n", c->in);
		if (!strstr(c->in, "\"ERROR\"")) {
			c->resting = c->polling;
			c->look_at = now() + POLL_EVERY;
			if (!c->resting) {
				c->polling = true;
				look_again(c);
			}
			return false;
		}
	}
	times = realloc(times, (time_count + 1) * sizeof *times);
	times[time_count++] = now() - c->began;
	return true;
}

/* The whole answer's size, or 0 while it is not known. */
static size_t answer_size(struct connection *c)
{
	const char *end = strstr(c->in, "\r\n\r\n"), *length;

	if (!end)
		return 0;
	length = strcasestr(c->in, "\r\nContent-Length:");
	return (size_t)(end + 4 - c->in) + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

/* Reads; true when an answer is whole. */
static bool answer_read(struct connection *c)
{
	ssize_t n = read(c->fd, c->in + c->have, BUFFER - 1 - c->have);
	size_t size;

	if (n <= 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		die("the server closed the connection");
	c->have += (size_t)n;
	c->in[c->have] = '\0';
	size = answer_size(c);
	return size && c->have >= size;
}

static void connection_open(struct connection *c, int loop)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)plan.port)};
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

	inet_pton(AF_INET, plan.host, &to.sin_addr);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &event);
}

static void rested_wake(void)
{
	double t = now();

	for (int i = 0; i < plan.connections; i++) {
		if (connections[i].resting && connections[i].look_at <= t)
			look_again(&connections[i]);
	}
}

static void run(double end)
{
	int loop = epoll_create1(EPOLL_CLOEXEC), busy = 0;

	connections = calloc((size_t)plan.connections, sizeof *connections);
	for (int i = 0; i < plan.connections; i++) {
		connection_open(&connections[i], loop);
		busy += next_send(&connections[i], end);
	}
	while (busy > 0) {
		struct epoll_event events[64];
		int n = epoll_wait(loop, events, 64, plan.until ? 1 : -1);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			push(c);
			if ((events[i].events & EPOLLIN) && answer_read(c) && answer_take(c))
				busy -= !next_send(c, end);
		}
		if (plan.until)
			rested_wake();
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void url_read(const char *url)
{
	static char path[512];

	if (sscanf(url, "http://%63[0-9.]:%d%511s", plan.host, &plan.port, path) != 3) {
		fprintf(stderr, "load: the URL must be http://ADDRESS:PORT/PATH\n");
		exit(2);
	}
	plan.path = path;
}

static void items_read(const char *name)
{
	FILE *file = fopen(name, "re");
	size_t n = 0;
	char line[64];

	if (!file)
		die(name);
	while (fscanf(file, "%63s", line) == 1) {
		plan.items = realloc(plan.items, (n + 1) * sizeof *plan.items);
		memcpy(plan.items[n++], line, sizeof line);
	}
	fclose(file);
	plan.count = plan.count && plan.count < (long)n ? plan.count : (long)n;
}

static void options_read(int argc, char **argv)
{
	static const struct option longs[] = {{"connections", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'},
					      {"count", 1, NULL, 'n'},	     {"body", 1, NULL, 'b'},
					      {"items", 1, NULL, 'i'},	     {"ids", 1, NULL, 'o'},
					      {"until", 1, NULL, 'u'},	     {NULL, 0, NULL, 0}};
	const char *items = NULL;
	int option;

	plan.body = "";
	plan.token = getenv("TOKEN") ? getenv("TOKEN") : "";
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			plan.connections = atoi(optarg);
			break;
		case 's':
			plan.seconds = atof(optarg);
			break;
		case 'n':
			plan.count = atol(optarg);
			break;
		case 'b':
			plan.body = optarg;
			break;
		case 'i':
			items = optarg;
			break;
		case 'o':
			plan.ids = fopen(optarg, "ae");
			break;
		case 'u':
			plan.until = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr,
			"Usage: TOKEN=... load [--connections N] [--seconds S | --count N] [--body TEXT]"
			" [--items FILE] [--ids FILE] [--until WORD] METHOD URL\n");
		exit(2);
	}
	plan.method = argv[optind];
	url_read(argv[optind + 1]);
	if (items)
		items_read(items);
}

int main(int argc, char **argv)
{
	struct rusage used;
	double began;

	options_read(argc, argv);
	began = now();
	run(began + plan.seconds);
	double took = now() - began;
	getrusage(RUSAGE_SELF, &used);
	if (time_count == 0)
		return 1;
	qsort(times, time_count, sizeof *times, compare);
	printf("{\"requests\": %zu, \"failed\": %ld, \"seconds\": %.3f, \"per_second\": %.1f, \"p50_ms\": "
	       "%.3f, "
	       "\"p99_ms\": %.3f, \"polls\": %ld, \"own_cpu\": %.2f}\n",
	       time_count, failed, took, (double)time_count / took, times[time_count / 2] * 1e3,
	       times[time_count * 99 / 100] * 1e3, polls,
	       (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
		       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6);
	if (plan.ids)
		fclose(plan.ids);
	return failed > 0;
}
