/* SPDX-License-Identifier: MIT */
/* Instruction counters of both emulators: rows, and the code ranges that switch to them. */
#ifndef MILLIWATT_COUNTER_H
#define MILLIWATT_COUNTER_H

#include <stdint.h>

#define MW_KEEP_ROW (-1)

/* Blocks that start in [start, end) count in `row` from there on, until another range's block. */
typedef struct {
    uint64_t start;
    uint64_t end;
    int64_t row;
} mw_range;

/* The row of the range that holds an address, or MW_KEEP_ROW; ranges sorted, not overlapping. */
static inline int32_t mw_row_at(const mw_range *ranges, uint64_t count, uint64_t address) {
    uint64_t low = 0;
    uint64_t high = count;
    while (low < high) {
        const uint64_t middle = (low + high) / 2;
        if (address < ranges[middle].start) {
            high = middle;
        } else if (address >= ranges[middle].end) {
            low = middle + 1;
        } else {
            return (int32_t)ranges[middle].row;
        }
    }
    return MW_KEEP_ROW;
}

#endif
