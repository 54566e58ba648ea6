/* SPDX-License-Identifier: Apache-2.0 */
/* The static and global variables of a plugin's file: which of them an op writes to. */
#ifndef CORE_CONTRACT_STATIC_MEMORY_H
#define CORE_CONTRACT_STATIC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct contract_static contract_static;

/* Copies the writable memory of the shared object that a function is in, without what is read-only after relocation.
 * NULL: it is in the program or this library, has more than 16 MiB, or memory is out. */
contract_static *contract_static_copy(void (*function)(void));
/* Returns how many bytes differ from the copy, and writes where the first one is: "4 bytes at counts". */
size_t contract_static_compare(const contract_static *memory, char *text, size_t size);
void contract_static_free(contract_static *memory);

#endif
