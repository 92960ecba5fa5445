/* SPDX-License-Identifier: MIT */
/* Unicorn hooks that collect what a Cortex-M4 cycle model needs, by row: taken branches, registers
 * of multiple loads and stores, divides, and misses of small fully associative LRU caches in front
 * of the flash. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counter.h"

enum { LINE_BYTES = 32, MAX_LINES = 64 };

/* ICI/IT bits of xPSR (Armv7-M Architecture Reference Manual, B1.4.2). */
static const uint32_t IT_STATE = 0x0600FC00u;

typedef int register_access(void *engine, int id, void *value);

/* Mirrored field by field in unicorn_trace.py. */
typedef struct {
    uint64_t instructions;
    uint64_t taken_branches;
    uint64_t store_multiple_registers;
    uint64_t load_multiple_registers;
    uint64_t dual_accesses;
    uint64_t divides;
    uint64_t float_divides;
    uint64_t instruction_line_misses;
    uint64_t data_line_misses;
} counts;

/* What one block adds each time it runs; size 0 when nothing is known yet. */
typedef struct {
    uint32_t size;
    int32_t row;
    uint16_t instructions;
    uint16_t store_multiple_registers;
    uint16_t load_multiple_registers;
    uint16_t dual_accesses;
    uint16_t divides;
    uint16_t float_divides;
} block;

typedef struct {
    uint8_t *slots; /* for each flash line, 1 + the cache line that holds it, or 0 */
    uint64_t clock;
    uint32_t lines;
    uint32_t unused;
    uint64_t used_at[MAX_LINES];
    uint64_t held[MAX_LINES];
} line_cache;

/* Mirrored field by field in unicorn_trace.py. */
typedef struct {
    counts *rows;
    const mw_range *ranges;
    uint64_t range_count;
    const uint8_t *flash; /* the bytes at flash_base */
    uint64_t flash_base;
    uint64_t flash_bytes;
    uint64_t code_bytes;
    block *blocks; /* code_bytes / 2 entries, all zero at first */
    void (*stop)(void *engine);
    register_access *read_register;
    register_access *write_register;
    int64_t xpsr_id; /* Unicorn's number of the register */
    int64_t budget;
    uint64_t previous_end; /* 0 before the first block of a run */
    uint64_t row;
    line_cache instruction_cache;
    line_cache data_cache;
} tracer;

static uint32_t halfword(const tracer *t, uint64_t offset) {
    return (uint32_t)t->flash[offset] | ((uint32_t)t->flash[offset + 1] << 8);
}

static uint32_t bits_set(uint32_t value) {
    return (uint32_t)__builtin_popcount(value);
}

/* Encodings: Armv7-M Architecture Reference Manual, A7.7 (STM, STMDB, PUSH, VSTM, VPUSH; LDM, LDMDB,
 * POP, VLDM, VPOP). Bit 11 of a narrow one and bit 4 of a wide one's first half tell loads. */
static uint32_t narrow_multiple_registers(uint32_t code, bool load) {
    const uint32_t bit = load ? 0x0800u : 0u;
    if ((code & 0xFE00u) == (0xB400u | bit)) {
        return bits_set(code & 0x1FFu);
    }
    return (code & 0xF800u) == (0xC000u | bit) ? bits_set(code & 0xFFu) : 0u;
}

static uint32_t wide_multiple_registers(uint32_t high, uint32_t low, bool load) {
    const uint32_t bit = load ? 0x0010u : 0u;
    if ((high & 0xFFD0u) == (0xE880u | bit) || (high & 0xFFD0u) == (0xE900u | bit)) {
        return bits_set(low);
    }
    const uint32_t form = (high & 0xFFB0u) ^ bit; /* P, U, W and L; D left out */
    const bool vector = form == 0xEC80u || form == 0xECA0u || form == 0xED20u;
    return vector && (low & 0x0E00u) == 0x0A00u ? low & 0xFFu : 0u;
}

/* LDRD and STRD; with P and W both 0 the encoding is another instruction's. */
static bool is_dual(uint32_t high) {
    return (high & 0xFE40u) == 0xE840u && (high & 0x0120u) != 0u;
}

static bool is_divide(uint32_t high) {
    return (high & 0xFFD0u) == 0xFB90u;
}

/* VDIV.F32 and VSQRT.F32, 14 cycles each. */
static bool is_float_divide(uint32_t high, uint32_t low) {
    return ((high & 0xFFB0u) == 0xEE80u && (low & 0x0F50u) == 0x0A00u) ||
           ((high & 0xFFBFu) == 0xEEB1u && (low & 0x0FD0u) == 0x0AC0u);
}

static void learn_block(const tracer *t, block *known, uint64_t offset, uint32_t size) {
    *known = (block){.size = size};
    known->row = mw_row_at(t->ranges, t->range_count, t->flash_base + offset);
    for (uint64_t at = offset; at < offset + size;) {
        const uint32_t high = halfword(t, at);
        known->instructions++;
        if ((high >> 11) < 0x1Du) {
            known->store_multiple_registers += (uint16_t)narrow_multiple_registers(high, false);
            known->load_multiple_registers += (uint16_t)narrow_multiple_registers(high, true);
            at += 2;
        } else {
            const uint32_t low = halfword(t, at + 2);
            known->store_multiple_registers += (uint16_t)wide_multiple_registers(high, low, false);
            known->load_multiple_registers += (uint16_t)wide_multiple_registers(high, low, true);
            known->dual_accesses += (uint16_t)is_dual(high);
            known->divides += (uint16_t)is_divide(high);
            known->float_divides += (uint16_t)is_float_divide(high, low);
            at += 4;
        }
    }
}

/* Whether the line was missing; it is in the cache afterwards, the least recently used one out. */
static bool misses(line_cache *cache, uint64_t line) {
    const uint32_t slot = cache->slots[line];
    cache->clock++;
    if (slot != 0) {
        cache->used_at[slot - 1] = cache->clock;
        return false;
    }
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < cache->lines; i++) {
        if (cache->used_at[i] < cache->used_at[oldest]) {
            oldest = i;
        }
    }
    if (cache->used_at[oldest] != 0) {
        cache->slots[cache->held[oldest]] = 0;
    }
    cache->held[oldest] = line;
    cache->used_at[oldest] = cache->clock;
    cache->slots[line] = (uint8_t)(oldest + 1);
    return true;
}

static uint64_t count_misses(line_cache *cache, uint64_t offset, uint64_t size) {
    uint64_t count = 0;
    for (uint64_t line = offset / LINE_BYTES; line <= (offset + size - 1) / LINE_BYTES; line++) {
        count += misses(cache, line);
    }
    return count;
}

void mw_trace_block(void *engine, uint64_t address, uint32_t size, tracer *t);
void mw_trace_read(void *engine, int kind, uint64_t address, int size, int64_t value, tracer *t);

void mw_trace_block(void *engine, uint64_t address, uint32_t size, tracer *t) {
    const uint64_t offset = address - t->flash_base;
    if (offset >= t->code_bytes) {
        return;
    }
    block *const known = &t->blocks[offset / 2];
    if (known->size != size) {
        learn_block(t, known, offset, size);
    }
    /* The branch that led here belongs to the row that was left. */
    t->rows[t->row].taken_branches += t->previous_end != 0 && t->previous_end != address;
    t->previous_end = address + size;
    if (known->row != MW_KEEP_ROW) {
        t->row = (uint64_t)known->row;
    }
    counts *const row = &t->rows[t->row];
    row->instructions += known->instructions;
    row->store_multiple_registers += known->store_multiple_registers;
    row->load_multiple_registers += known->load_multiple_registers;
    row->dual_accesses += known->dual_accesses;
    row->divides += known->divides;
    row->float_divides += known->float_divides;
    row->instruction_line_misses += count_misses(&t->instruction_cache, offset, size);
    t->budget -= known->instructions;
    if (t->budget < 0) {
        t->stop(engine);
    }
}

/* Before a read is reported, Unicorn 2.1 restores the IT state that the load began with and leaves
 * it: the block after the next indirect branch would run under that condition. The rest of the
 * load's own block has its conditions compiled in. */
static void clear_it_state(void *engine, const tracer *t) {
    uint32_t xpsr = 0;
    t->read_register(engine, (int)t->xpsr_id, &xpsr);
    if ((xpsr & IT_STATE) != 0) {
        xpsr &= ~IT_STATE;
        t->write_register(engine, (int)t->xpsr_id, &xpsr);
    }
}

void mw_trace_read(void *engine, int kind, uint64_t address, int size, int64_t value, tracer *t) {
    const uint64_t offset = address - t->flash_base;
    (void)kind;
    (void)value;
    clear_it_state(engine, t);
    if (offset < t->flash_bytes) {
        t->rows[t->row].data_line_misses += count_misses(&t->data_cache, offset, (uint64_t)size);
    }
}
