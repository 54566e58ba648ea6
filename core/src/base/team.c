/* SPDX-License-Identifier: Apache-2.0 */
#include "base/team.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct member {
	core_team *team;
	int number;
	pthread_t thread;
};

struct core_team {
	pthread_mutex_t lock;
	pthread_cond_t begun, ended;
	/* under the lock */
	uint64_t round; /* calls of core_team_run */
	int busy;       /* helpers that have not finished this round */
	bool closing;
	/* of this round; not written while a helper is busy */
	int64_t parts;
	void (*work)(void *user, int64_t part, int member);
	void *user;
	atomic_int_least64_t next; /* part */
	int helpers;               /* threads beside the caller */
	struct member member[CORE_TEAM_MAX];
};

static void work_on_parts(core_team *team, int member)
{
	int64_t part;
	while ((part = atomic_fetch_add(&team->next, 1)) < team->parts)
		team->work(team->user, part, member);
}

static void *run_helper(void *user)
{
	const struct member *member = user;
	core_team *team = member->team;
	uint64_t seen = 0;
	pthread_mutex_lock(&team->lock);
	for (;;) {
		while (team->round == seen && !team->closing)
			pthread_cond_wait(&team->begun, &team->lock);
		if (team->closing)
			break;
		seen = team->round;
		pthread_mutex_unlock(&team->lock);
		work_on_parts(team, member->number);
		pthread_mutex_lock(&team->lock);
		if (--team->busy == 0)
			pthread_cond_signal(&team->ended);
	}
	pthread_mutex_unlock(&team->lock);
	return NULL;
}

core_team *core_team_open(fv_ctx *ctx, int threads)
{
	core_team *team = calloc(1, sizeof *team);
	if (!team) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&team->lock, NULL);
	pthread_cond_init(&team->begun, NULL);
	pthread_cond_init(&team->ended, NULL);
	if (threads > CORE_TEAM_MAX)
		threads = CORE_TEAM_MAX;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (int i = 1; i < threads; i++) {
		struct member *member = &team->member[i];
		*member = (struct member){.team = team, .number = i};
		if (pthread_create(&member->thread, NULL, run_helper, member))
			break;
		team->helpers = i;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return team;
}

void core_team_close(core_team *team)
{
	if (!team)
		return;
	pthread_mutex_lock(&team->lock);
	team->closing = true;
	pthread_cond_broadcast(&team->begun);
	pthread_mutex_unlock(&team->lock);
	for (int i = 1; i <= team->helpers; i++)
		pthread_join(team->member[i].thread, NULL);
	pthread_cond_destroy(&team->begun);
	pthread_cond_destroy(&team->ended);
	pthread_mutex_destroy(&team->lock);
	free(team);
}

int core_team_size(const core_team *team)
{
	return team->helpers + 1;
}

void core_team_run(core_team *team, int64_t parts,
	void (*work)(void *user, int64_t part, int member), void *user)
{
	pthread_mutex_lock(&team->lock);
	team->parts = parts;
	team->work = work;
	team->user = user;
	atomic_store(&team->next, 0);
	team->busy = team->helpers;
	team->round++;
	pthread_cond_broadcast(&team->begun);
	pthread_mutex_unlock(&team->lock);
	work_on_parts(team, 0);
	pthread_mutex_lock(&team->lock);
	while (team->busy > 0)
		pthread_cond_wait(&team->ended, &team->lock);
	pthread_mutex_unlock(&team->lock);
}
