/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about a fault, by the check that found it. */
#include <string.h>

#include "contract/contract.h"

static const struct {
	const char *check, *text;
} advice[] = {
	{"parameters", "correct the parameter table: FV_PARAM_REAL and its like fill in size, type "
		       "and place, and the default must be in range"},
	{"choices", "name each choice once: \"a|b|c\""},
	{"presets", "use a key of the block train, and a value that it takes"},
	{"open", "open() must work with the defaults; where it cannot, it says what to give: "
		 "return fv_fail(ctx, FV_CONFIG, \"...\")"},
	{"refusal",
		"to refuse a setting or data, return fv_fail(ctx, FV_CONFIG, \"...\") or FV_DATA, "
		"with what to do about it; FV_FAILED, which a panic or an exception becomes "
		"too, is for what goes wrong"},
	{"dropped failure",
		"return what fv_fail() returns, or the status of the function that failed"},
	{"weigh", "every weight and the value must be finite, whatever the losses, groups and size "
		  "of the batch: guard divisions, logarithms and sums over no rows"},
	{"evaluate", "evaluate() must write a finite value and change neither state nor arrays"},
	{"sign", "write a value that is smaller the better the epoch is: the smallest one is kept"},
	{"repeat", "the same calls must give the same bytes: draw with fv_rng, keep nothing in "
		   "static variables, and do not use time, addresses, threads in an order, or "
		   "variables without a value"},
	{"resume", "keep all that changes from step to step in fv_array, by row, so that it is "
		   "saved; if nothing is kept, a local variable or memory of malloc() has no value "
		   "when it is read"},
	{"subsample", "write rows from 0 to N - 1, and how many"},
	{"order", "write positions from 0 to n - 1 into position [n]"},
	{"mix", "write partners from 0 to N - 1 and shares from 0 to 1, one for each sample"},
	{"derivative", "v_i must be d value / d l_i; set exact_derivative = -1 if the definition "
		       "holds something constant"},
	{"step", "gradients and the value must be finite also for logits in the thousands: "
		 "subtract the largest before exp()"},
	{"stages", "rows, weights, groups and rates of each fv_stage must be in range"},
	{"stages limit", "set *more to 1 only while another stage follows, for example *more = "
			 "index + 1 < STAGES"},
	{"uses", "return a sum of FV_USE_ flags"},
	{"fit", "make at least one group, and give each a name of its own that lives until "
		"close()"},
	{"assign", "write an id from -1 to G - 1 for every row and, if the grouping is soft, every "
		   "membership, from 0 on, and to 1 with .probability = 1"},
	{"independence",
		"decide by the row and by what fit() learned, not by the other rows of the "
		"call"},
	{"memberships",
		"member is [n,G]: the memberships of row i begin at member + i * G, and come from "
		"that row and what fit() learned"},
	{"layers", "the numbers of row i begin at x + i * layers * dims; a grouper for one layer "
		   "refuses "
		   "more in fit(): return fv_fail(ctx, FV_CONFIG, \"choose one with the encoder's "
		   "key 'layer'\")"},
	{"unknown", "rows without a value, or with one that fit() has not met, get group -1"},
	{"info", "give every output a name, sizes and FV_OUTPUT's size; columns and roles need "
		 "dims elements; rate and "
		 "smallest length must be positive"},
	{"weights", "read the weights in open(), and return FV_DATA for a bad file; an encoder "
		    "without weights: "
		    "if (weights) return fv_fail(ctx, FV_CONFIG, \"takes no weights: remove the "
		    "key 'weights'\")"},
	{"encode", "write every number of out, finite for silence, clipping and the shortest "
		   "recording too, and none beside it"},
	{"recordings", "use the wave, not only its length: recordings that differ must give "
		       "different numbers"},
	{"threads", "change no state in encode(): it is called from several threads at once"},
	{"static", "keep nothing in static and global variables: get memory for a call with "
		   "fv_scratch; nm -n PLUGIN.so tells which variable is at an offset"},
	{"frames", "frames() must return how many frames encode() writes"},
	{"mean", "write frames layer by layer and frame by frame, [L,T,D], if pooled is 0, and the "
		 "mean of the same numbers over the frames, [L,D], if it is 1"},
	{"packs", "what an utterance gets must not depend on the others of its pack, to the last "
		  "bit"},
	{"lookup", "return FV_DATA with a message for a recording that is not known"},
	{"surroundings",
		"put back what the op changes before it returns, also after an error, or do "
		"not change it: other ops and runs rely on it"},
	{"stdout", "use fv_note(), or print to standard error"},
	{"open files", "close in an op what it opens, also when it returns early; fv_csv_read and "
		       "fv_checkpoint_open close by themselves"},
	{"closed files", "close only what the op has opened itself"},
	{"left threads", "join every thread before the op returns, and end in close() what open() "
			 "started"},
	{"environment", "do not call setenv() or putenv(): take a parameter instead"},
	{"state", "an op whose state is const may not write to it, nor to memory behind its "
		  "pointers: learn in open(), fit() or weigh(), and use fv_scratch in the op"},
	{"state_size", "set .state_size to sizeof of the struct that the ops use as their state"},
	{"lifetime", "memory of fv_scratch ends when its op returns, as do the arrays that the op "
		     "is shown: get "
		     "memory for what is used later with fv_alloc, in open()"},
	{"growth",
		"use fv_scratch for what only this call needs, and get the rest once, in open()"},
	{"positions", "keep what belongs to a recording by batch->row: batches are shuffled"},
	{"hang", "look for a loop whose condition is never met (a counter that does not change, a "
		 "comparison with NAN) or a lock that is never released"},
	{"memory", "compare the index with the length of the array: sizes are in bytes (n * sizeof "
		   "*x), groups may be -1, development rows "
		   "have numbers of their own, and what an op may only read belongs to the core"},
	{"scratch", "memory from fv_scratch is not cleared: write it before you read it, for "
		    "example sums with "
		    "memset or a loop"},
	{"unset", "give every variable and all memory of malloc() a value before reading it; gcc "
		  "-O2 -Wall "
		  "and -fsanitize=memory of clang name the place"},
	{"beside", "compare the index with the length of the array: a batch has batch->n rows, "
		   "groups may be "
		   "-1, and development rows have numbers of their own"},
	{"processes", "end copies made by fork() with _exit() or exec()"},
	{"null", "ask for what the op reads, or test it for NULL: the fault lists what is not "
		 "shown, and why; if it reads none of these, look in the debugger where it is, "
		 "perhaps at an index by a group, which may be -1"},
	{"crash", "build the plugin with -g and look in the debugger where it is; or build it with "
		  "-g -fsanitize=address and run the check with "
		  "LD_PRELOAD=$(gcc -print-file-name=libasan.so) "
		  "ASAN_OPTIONS=detect_leaks=0:handle_segv=2"},
};

const char *core_contract_advise(const char *key)
{
	for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
		if (!strcmp(advice[i].check, key))
			return advice[i].text;
	return NULL;
}
