/* SPDX-License-Identifier: MIT */
/* The test harness: reads samples from a file, runs the model, writes outputs to a file. */
#ifndef MILLIWATT_HARNESS_H
#define MILLIWATT_HARNESS_H

#include <stdint.h>

typedef struct {
    void *(*address)(void);
    uint32_t bytes;
} mw_input;

typedef struct {
    const void *(*address)(void);
    uint32_t bytes;
} mw_output;

/* Generated for each model. mw_model_reset is null for a model without state. */
extern const mw_input mw_inputs[];
extern const uint32_t mw_input_count;
extern const mw_output mw_outputs[];
extern const uint32_t mw_output_count;
extern void (*const mw_model_run)(void);
extern void (*const mw_model_reset)(void);

/* Input and output of bytes; each ends the program with a non-zero code when it fails. */
enum mw_file { MW_SAMPLES = 0, MW_OUTPUTS = 1, MW_STATUS = 2 };
void mw_open_files(void);
void mw_read(void *to, uint32_t bytes);
void mw_write(enum mw_file file, const void *from, uint32_t bytes);
void mw_close_files(void);

/* Runs the model once; returns the bytes of stack it touched, 0 where that is not measured. */
#define MW_STACK_OVERFLOW UINT32_MAX
uint32_t mw_run_measured(void);

void mw_harness(void);

#endif
