/* Requests on their way through the reader, the writer, the workers and the parking lot. */
#include "http/flow.h"

#include "base/log.h"
#include "base/memory.h"
#include "sys/sys.h"

#include <string.h>

#define FLOW_QUEUE_LIMIT 1024 /* requests that wait for a worker: more is a flood */

#define FLOW_DRAIN INT64_C(2000000) /* microseconds that unanswered requests get at the end */

static void flow_count(struct http_flow *flow, int *counter, int change)
{
	pthread_mutex_lock(&flow->lock);
	*counter += change;
	if (*counter == 0)
		pthread_cond_broadcast(&flow->quiet);
	pthread_mutex_unlock(&flow->lock);
}

/* Takes the passage off the server's thread until passage_return(). */
static void passage_leave(struct http_passage *passage)
{
	flow_count(passage->flow, &passage->flow->away, 1);
	passage->stage = HTTP_STAGE_AWAY;
	passage->flow->suspend(passage);
}

/* After this the passage belongs to the server's thread again. */
static void passage_return(struct http_passage *passage, enum http_stage stage)
{
	struct http_flow *flow = passage->flow;

	passage->stage = stage;
	flow->resume(passage);
	flow_count(flow, &flow->away, -1);
}

/* --- the writer --- */

static bool job_run(struct store_job *job, struct store *db, struct error *err)
{
	struct http_passage *passage =
		(struct http_passage *)((char *)job - offsetof(struct http_passage, job));
	struct http_exchange *exchange = &passage->exchange;

	if (http_exchange_run(exchange, exchange->request.route->handler, db))
		return true;
	*err = exchange->err;
	return false;
}

static void job_done(struct store_job *job, bool ok, const struct error *err)
{
	struct http_passage *passage =
		(struct http_passage *)((char *)job - offsetof(struct http_passage, job));

	if (!ok) {
		passage->exchange.failed = true;
		passage->exchange.err = *err;
	}
	passage_return(passage, HTTP_STAGE_ANSWER);
}

static void passage_write(struct http_passage *passage)
{
	passage->job = (struct store_job){.run = job_run, .done = job_done};
	passage_leave(passage);
	store_writer_submit(passage->flow->settings->writer, &passage->job);
}

/* --- the workers --- */

static bool passage_work(struct http_passage *passage, struct error *err)
{
	struct http_flow *flow = passage->flow;

	pthread_mutex_lock(&flow->lock);
	bool room = flow->waiting < FLOW_QUEUE_LIMIT && !flow->stopping;
	pthread_mutex_unlock(&flow->lock);
	if (!room)
		return error_set(err, ERROR_UNAVAILABLE, "The service is busy. Try again later.");
	passage_leave(passage);
	pthread_mutex_lock(&flow->lock);
	passage->next = NULL;
	*flow->last = passage;
	flow->last = &passage->next;
	flow->waiting++;
	pthread_cond_signal(&flow->queued);
	pthread_mutex_unlock(&flow->lock);
	return true;
}

static struct http_passage *worker_take(struct http_flow *flow)
{
	pthread_mutex_lock(&flow->lock);
	while (!flow->first && !flow->stopping)
		pthread_cond_wait(&flow->queued, &flow->lock);
	struct http_passage *passage = flow->first;
	if (passage) {
		flow->first = passage->next;
		if (!flow->first)
			flow->last = &flow->first;
		flow->waiting--;
	}
	pthread_mutex_unlock(&flow->lock);
	return passage;
}

static void *worker_loop(void *argument)
{
	struct http_flow *flow = argument;
	struct error err;
	_cleanup_(store_closep) struct store *db = store_open(flow->settings->database, STORE_READER, &err);
	struct http_passage *passage;

	if (!db)
		log_error("worker: %s", err.message);
	while ((passage = worker_take(flow))) {
		struct http_exchange *exchange = &passage->exchange;
		const struct http_route *route = exchange->request.route;
		bool preparing = route->prepare && !passage->prepared;

		if (!db) {
			exchange->failed = true;
			exchange->err = err;
		} else {
			http_exchange_read(exchange, preparing ? route->prepare : route->handler, db);
		}
		passage->prepared = true;
		passage_return(passage,
			       preparing && !exchange->failed ? HTTP_STAGE_READY : HTTP_STAGE_ANSWER);
	}
	return NULL;
}

/* --- the parking lot --- */

static void parked_resume(struct http_parked *parked)
{
	struct http_passage *passage =
		(struct http_passage *)((char *)parked - offsetof(struct http_passage, parked));

	passage_return(passage, HTTP_STAGE_READY);
}

static void *timer_loop(void *argument)
{
	struct http_flow *flow = argument;
	int64_t second = 1000000;

	pthread_mutex_lock(&flow->lock);
	while (!flow->stopping) {
		struct timespec until;

		/* Deadlines of long polls are kept to a quarter of a second. */
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (second / 4) * 1000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_clockwait(&flow->quiet, &flow->lock, CLOCK_MONOTONIC, &until);
		pthread_mutex_unlock(&flow->lock);
		http_park_expire(sys_monotonic());
		pthread_mutex_lock(&flow->lock);
	}
	pthread_mutex_unlock(&flow->lock);
	return NULL;
}

/* Runs an HTTP_READ handler; true when it answered, false when the request is parked. */
static bool passage_read(struct http_passage *passage)
{
	struct http_exchange *exchange = &passage->exchange;
	struct http_internal *internal = &exchange->internal;
	uint64_t epoch = http_park_epoch();

	internal->park = false;
	http_exchange_read(exchange, exchange->request.route->handler, passage->flow->db);
	if (exchange->failed || !internal->park)
		return true;
	if (passage->flow->stopping) {
		exchange->failed = true;
		error_set(&exchange->err, ERROR_UNAVAILABLE, "The service is shutting down.");
		return true;
	}
	passage->parked = (struct http_parked){.key = internal->park_key,
					       .deadline = internal->park_deadline,
					       .resume = parked_resume};
	exchange->request.resumed = true;
	passage_leave(passage);
	if (!http_park_add(&passage->parked, epoch))
		passage_return(passage, HTTP_STAGE_READY);
	return false;
}

/* --- from the beginning to the end --- */

void http_flow_begin(struct http_flow *flow, struct http_passage *passage, const char *method,
		     const char *target, const char *(*header)(void *source, const char *name), void *source)
{
	passage->flow = flow;
	flow_count(flow, &flow->active, 1);
	http_exchange_init(&passage->exchange, flow->settings->site, method, target);
	passage->exchange.internal.header = header;
	passage->exchange.internal.header_source = source;
	http_exchange_route(&passage->exchange);
	http_exchange_before(&passage->exchange, flow->db);
}

void http_flow_finish(struct http_passage *passage)
{
	http_exchange_done(&passage->exchange);
	flow_count(passage->flow, &passage->flow->active, -1);
}

/* Sends a complete request on its way. */
static bool passage_start(struct http_passage *passage)
{
	struct http_exchange *exchange = &passage->exchange;
	const struct http_route *route = exchange->request.route;
	struct error err;

	if (exchange->failed)
		return true;
	if ((route->prepare && !passage->prepared) || route->mode == HTTP_SLOW) {
		if (passage_work(passage, &err))
			return false;
		exchange->failed = true;
		exchange->err = err;
		return true;
	}
	if (route->mode != HTTP_WRITE)
		return passage_read(passage);
	passage_write(passage);
	return false;
}

bool http_flow_go(struct http_passage *passage)
{
	enum http_stage stage = passage->stage;

	if (stage == HTTP_STAGE_BODY)
		http_exchange_body_end(&passage->exchange);
	return stage == HTTP_STAGE_ANSWER || (stage != HTTP_STAGE_AWAY && passage_start(passage));
}

bool http_flow_open(struct http_flow *flow, struct error *err)
{
	flow->last = &flow->first;
	pthread_mutex_init(&flow->lock, NULL);
	pthread_cond_init(&flow->queued, NULL);
	pthread_cond_init(&flow->quiet, NULL);
	flow->db = store_open(flow->settings->database, STORE_READER, err);
	return flow->db;
}

void http_flow_start(struct http_flow *flow)
{
	int count = flow->settings->workers;

	flow->workers = memory_alloc(sizeof *flow->workers * (size_t)count);
	for (; flow->worker_count < count; flow->worker_count++) {
		if (pthread_create(&flow->workers[flow->worker_count], NULL, worker_loop, flow) != 0)
			break;
	}
	if (pthread_create(&flow->timer, NULL, timer_loop, flow) != 0 || flow->worker_count == 0) {
		log_error("cannot start threads");
		abort();
	}
}

void http_flow_end(struct http_flow *flow)
{
	pthread_mutex_lock(&flow->lock);
	flow->stopping = true;
	pthread_cond_broadcast(&flow->queued);
	pthread_cond_broadcast(&flow->quiet);
	pthread_mutex_unlock(&flow->lock);
	pthread_join(flow->timer, NULL);
	for (int i = 0; i < flow->worker_count; i++)
		pthread_join(flow->workers[i], NULL);
}

/* What was done should be answered; who has not sent his request by then does not count. */
void http_flow_drain(struct http_flow *flow)
{
	int64_t patience = sys_monotonic() + FLOW_DRAIN;

	pthread_mutex_lock(&flow->lock);
	while (flow->away > 0 || (flow->active > 0 && sys_monotonic() < patience)) {
		struct timespec soon;

		pthread_mutex_unlock(&flow->lock);
		http_park_flush();
		pthread_mutex_lock(&flow->lock);
		clock_gettime(CLOCK_MONOTONIC, &soon);
		soon.tv_nsec += 10000000;
		soon.tv_sec += soon.tv_nsec / 1000000000;
		soon.tv_nsec %= 1000000000;
		if (flow->away > 0 || flow->active > 0)
			pthread_cond_clockwait(&flow->quiet, &flow->lock, CLOCK_MONOTONIC, &soon);
	}
	pthread_mutex_unlock(&flow->lock);
}

void http_flow_close(struct http_flow *flow)
{
	store_close(flow->db);
	free(flow->workers);
}
