/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void run_sample(uint32_t *stack_bytes) {
    for (uint32_t i = 0; i < mw_input_count; i++) {
        mw_read(mw_inputs[i].address(), mw_inputs[i].bytes);
    }
    const uint32_t used = mw_run_measured();
    if (used > *stack_bytes) {
        *stack_bytes = used;
    }
    for (uint32_t i = 0; i < mw_output_count; i++) {
        mw_write(MW_OUTPUTS, mw_outputs[i].address(), mw_outputs[i].bytes);
    }
}

/* Samples file: count of samples, 1 to reset before each (0: before the first only), inputs. */
void mw_harness(void) {
    uint32_t header[2];
    uint32_t stack_bytes = 0;
    mw_open_files();
    mw_read(header, (uint32_t)sizeof header);
    for (uint32_t sample = 0; sample < header[0]; sample++) {
        if (mw_model_reset && (sample == 0 || header[1] != 0)) {
            mw_model_reset();
        }
        run_sample(&stack_bytes);
    }
    mw_write(MW_STATUS, &stack_bytes, (uint32_t)sizeof stack_bytes);
    mw_close_files();
}
