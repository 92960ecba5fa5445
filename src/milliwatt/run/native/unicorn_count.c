/* SPDX-License-Identifier: MIT */
/* Unicorn's block hook: counts the instructions of every executed block, by row. */
#include <stddef.h>
#include <stdint.h>

#include "counter.h"

enum { ISA_THUMB = 0, ISA_RISCV = 1 };

/* What is known of the block that starts at one halfword; size 0 when nothing yet. */
typedef struct {
    uint32_t size;
    uint16_t instructions;
    int16_t row;
} block;

/* Mirrored field by field in unicorn_counter.py. */
typedef struct {
    uint64_t *instructions; /* one count for each row */
    const mw_range *ranges;
    uint64_t range_count;
    const uint8_t *code; /* the bytes at code_base */
    uint64_t code_base;
    uint64_t code_bytes;
    block *blocks; /* code_bytes / 2 entries, all zero at first */
    void (*stop)(void *engine);
    int64_t budget; /* instructions left before the run is stopped */
    uint32_t isa;
    uint32_t row;
} counter;

/* The first access that the core would have refused. Mirrored in unicorn_counter.py. */
typedef struct {
    uint64_t address;
    uint64_t size; /* 0 when there was none */
    void (*stop)(void *engine);
} alignment;

static uint32_t instruction_bytes(const counter *c, uint64_t offset) {
    const uint32_t low = (uint32_t)c->code[offset] | ((uint32_t)c->code[offset + 1] << 8);
    if (c->isa == ISA_RISCV) {
        return (low & 3u) == 3u ? 4u : 2u;
    }
    return (low >> 11) >= 0x1Du ? 4u : 2u;
}

static void learn_block(const counter *c, block *known, uint64_t offset, uint32_t size) {
    uint32_t count = 0;
    for (uint64_t at = offset; at < offset + size; at += instruction_bytes(c, at)) {
        count++;
    }
    known->size = size;
    known->instructions = (uint16_t)count;
    known->row = (int16_t)mw_row_at(c->ranges, c->range_count, c->code_base + offset);
}

void mw_unicorn_block(void *engine, uint64_t address, uint32_t size, counter *c);

void mw_unicorn_block(void *engine, uint64_t address, uint32_t size, counter *c) {
    const uint64_t offset = address - c->code_base;
    if (offset >= c->code_bytes) {
        return;
    }
    block *const known = &c->blocks[offset / 2];
    if (known->size != size) {
        learn_block(c, known, offset, size);
    }
    if (known->row != MW_KEEP_ROW) {
        c->row = (uint32_t)known->row;
    }
    c->instructions[c->row] += known->instructions;
    c->budget -= known->instructions;
    if (c->budget < 0) {
        c->stop(engine);
    }
}

void mw_unicorn_access(void *engine, int kind, uint64_t address, int size, int64_t value,
                       alignment *a);

/* Unicorn lets Armv6-M access unaligned words; the core faults. */
void mw_unicorn_access(void *engine, int kind, uint64_t address, int size, int64_t value,
                       alignment *a) {
    (void)kind;
    (void)value;
    if ((address & ((uint64_t)size - 1u)) != 0 && a->size == 0) {
        a->address = address;
        a->size = (uint64_t)size;
        a->stop(engine);
    }
}
