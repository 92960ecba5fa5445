/* SPDX-License-Identifier: MIT */
/* A QEMU plugin: counts the instructions of every executed block, by row, for each model run.
 *
 * Arguments: plan=FILE (what to count) and out=FILE (one line of counts for each run).
 * The plugin interface is declared here by hand, since QEMU's packages ship no header for it:
 * https://www.qemu.org/docs/master/devel/tcg-plugins.html, interface version MW_PLUGIN_API. */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
typedef void (*tb_translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*tb_executed)(unsigned int cpu, void *user);
typedef void (*at_exit)(qemu_plugin_id_t id, void *user);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, tb_executed callback,
                                          enum qemu_plugin_cb_flags flags, void *user);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, at_exit callback, void *user);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                               char **argv);

EXPORT int qemu_plugin_version = MW_PLUGIN_API;

enum { EXIT_BAD_PLAN = 90, EXIT_LIMIT = 91, OUTSIDE_ROW = 0 };

typedef struct {
    uint64_t instructions;
    int32_t row;
    bool starts_run;
} block;

/* Row 0 is everything outside the model's run function. */
static uint64_t row_count;
static uint64_t range_count;
static uint64_t run_entry;
static int64_t limit;
static int64_t budget;
static mw_range *ranges;
static uint64_t *counts;
static uint64_t row = OUTSIDE_ROW;
static bool in_run;
static FILE *out;

static void finish_run(void) {
    for (uint64_t i = 1; i < row_count; i++) {
        fprintf(out, "%" PRIu64 "%c", counts[i], i + 1 == row_count ? '\n' : ' ');
    }
    in_run = false;
}

static void start_run(void) {
    memset(counts, 0, row_count * sizeof *counts);
    budget = limit;
    in_run = true;
}

static void on_executed(unsigned int cpu, void *user) {
    const block *const b = user;
    (void)cpu;
    if (b->row != MW_KEEP_ROW) {
        if (b->row == OUTSIDE_ROW && in_run) {
            finish_run();
        } else if (b->starts_run && !in_run) {
            start_run();
        }
        row = (uint64_t)b->row;
    }
    counts[row] += b->instructions;
    budget -= (int64_t)b->instructions;
    if (budget < 0 && in_run) {
        fclose(out);
        _Exit(EXIT_LIMIT); /* exit() would call on_exit_qemu */
    }
}

/* Blocks are translated again when QEMU drops its cache; what was allocated for them stays, as
 * nothing tells when QEMU is done with it. A block takes 24 bytes. */
static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    const uint64_t address = qemu_plugin_tb_vaddr(tb);
    block *const b = malloc(sizeof *b);
    (void)id;
    if (!b) {
        abort();
    }
    b->instructions = qemu_plugin_tb_n_insns(tb);
    b->row = mw_row_at(ranges, range_count, address);
    b->starts_run = address == run_entry;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_executed, QEMU_PLUGIN_CB_NO_REGS, b);
}

static void on_exit_qemu(qemu_plugin_id_t id, void *user) {
    (void)id;
    (void)user;
    if (in_run) {
        finish_run();
    }
    fclose(out);
}

/* Plan file: limit, run entry, number of rows, number of ranges, then the ranges. */
static bool read_plan(const char *path) {
    uint64_t header[4];
    FILE *const file = fopen(path, "rb");
    if (!file || fread(header, sizeof header, 1, file) != 1) {
        return false;
    }
    limit = (int64_t)header[0];
    run_entry = header[1];
    row_count = header[2];
    range_count = header[3];
    ranges = calloc(range_count + 1, sizeof *ranges);
    counts = calloc(row_count, sizeof *counts);
    const bool whole =
        ranges && counts && fread(ranges, sizeof *ranges, range_count, file) == range_count;
    fclose(file);
    return whole;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    (void)info;
    const char *plan = NULL;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "plan=", 5) == 0) {
            plan = argv[i] + 5;
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        }
    }
    if (!plan || !out || !read_plan(plan)) {
        fputs("the counting plugin cannot read its plan or write its counts\n", stderr);
        return EXIT_BAD_PLAN;
    }
    budget = limit;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    qemu_plugin_register_atexit_cb(id, on_exit_qemu, NULL);
    return 0;
}
