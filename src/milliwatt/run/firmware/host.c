/* SPDX-License-Identifier: MIT */
/* The harness on this machine: files named on the command line, no stack measurement. */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

static FILE *files[3];

static void fail(const char *what) {
    perror(what);
    exit(3);
}

void mw_open_files(void) {
}

void mw_read(void *to, uint32_t bytes) {
    if (fread(to, 1, bytes, files[MW_SAMPLES]) != bytes) {
        fail("reading samples");
    }
}

void mw_write(enum mw_file file, const void *from, uint32_t bytes) {
    if (fwrite(from, 1, bytes, files[file]) != bytes) {
        fail("writing outputs");
    }
}

void mw_close_files(void) {
    for (int i = 0; i < 3; i++) {
        if (fclose(files[i]) != 0) {
            fail("closing files");
        }
    }
}

uint32_t mw_run_measured(void) {
    mw_model_run();
    return 0;
}

int main(int argc, char **argv) {
    static const char *const modes[3] = {"rb", "wb", "wb"};
    if (argc != 4) {
        fputs("usage: harness SAMPLES OUTPUTS STATUS\n", stderr);
        return 3;
    }
    for (int i = 0; i < 3; i++) {
        files[i] = fopen(argv[i + 1], modes[i]);
        if (!files[i]) {
            fail(argv[i + 1]);
        }
    }
    mw_harness();
    return 0;
}
