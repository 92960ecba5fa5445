/* SPDX-License-Identifier: MIT */
/* The harness on an emulated Cortex-M: vector table, start-up, semihosting files, stack depth. */
#include "harness.h"

#define SEMIHOSTING_OPEN 0x01u
#define SEMIHOSTING_CLOSE 0x02u
#define SEMIHOSTING_WRITE 0x05u
#define SEMIHOSTING_READ 0x06u
#define SEMIHOSTING_EXIT 0x18u
#define MODE_READ_BINARY 1u
#define MODE_WRITE_BINARY 5u
#define EXIT_SUCCESSFUL 0x20026u
#define EXIT_ERROR 0x20023u
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CCR (*(volatile uint32_t *)0xE000ED14u)
#define CCR_UNALIGNED_TRAP 8u
#define CFSR (*(volatile uint32_t *)0xE000ED28u)
#define BFAR (*(volatile uint32_t *)0xE000ED38u)
#define STACK_PATTERN 0xA5C3E187u
#define STACK_GUARD_BYTES 1024u

/* Placed by the linker script. */
extern uint32_t mw_stack_bottom[];
extern uint32_t mw_stack_top[];
extern uint32_t mw_data_load[];
extern uint32_t mw_data_start[];
extern uint32_t mw_data_end[];
extern uint32_t mw_bss_start[];
extern uint32_t mw_bss_end[];

void mw_reset_handler(void);
void mw_fault_handler(void);
void mw_report_fault(const uint32_t *frame);

static uint32_t handles[3];

static uint32_t semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void stop(uint32_t reason) {
    semihosting(SEMIHOSTING_EXIT, (const void *)(uintptr_t)reason);
    for (;;) {
    }
}

static uint32_t open_file(const char *name, uint32_t name_bytes, uint32_t mode) {
    const uint32_t block[3] = {(uint32_t)(uintptr_t)name, mode, name_bytes};
    const uint32_t handle = semihosting(SEMIHOSTING_OPEN, block);
    if (handle == UINT32_MAX) {
        stop(EXIT_ERROR);
    }
    return handle;
}

void mw_open_files(void) {
    handles[MW_SAMPLES] = open_file("samples.bin", 11, MODE_READ_BINARY);
    handles[MW_OUTPUTS] = open_file("outputs.bin", 11, MODE_WRITE_BINARY);
    handles[MW_STATUS] = open_file("status.bin", 10, MODE_WRITE_BINARY);
}

/* Semihosting returns the bytes NOT transferred. */
static void transfer(uint32_t operation, uint32_t handle, const void *bytes, uint32_t count) {
    const uint32_t block[3] = {handle, (uint32_t)(uintptr_t)bytes, count};
    if (semihosting(operation, block) != 0) {
        stop(EXIT_ERROR);
    }
}

void mw_read(void *to, uint32_t bytes) {
    transfer(SEMIHOSTING_READ, handles[MW_SAMPLES], to, bytes);
}

void mw_write(enum mw_file file, const void *from, uint32_t bytes) {
    transfer(SEMIHOSTING_WRITE, handles[file], from, bytes);
}

void mw_close_files(void) {
    for (uint32_t i = 0; i < 3; i++) {
        semihosting(SEMIHOSTING_CLOSE, &handles[i]);
    }
}

__attribute__((noinline)) uint32_t mw_run_measured(void) {
    uint32_t stack_pointer;
    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
    volatile uint32_t *const end = (volatile uint32_t *)(uintptr_t)stack_pointer;
    for (volatile uint32_t *word = mw_stack_bottom; word < end; word++) {
        *word = STACK_PATTERN;
    }
    mw_model_run();
    volatile uint32_t *word = mw_stack_bottom;
    while (word < end && *word == STACK_PATTERN) {
        word++;
    }
    /* Some machines swallow what is written below their RAM: a run that came close overflowed. */
    const uintptr_t left = (uintptr_t)word - (uintptr_t)mw_stack_bottom;
    return left < STACK_GUARD_BYTES ? MW_STACK_OVERFLOW
                                    : (uint32_t)((uintptr_t)end - (uintptr_t)word);
}

/* The exception frame's lr and pc, the fault status and address, for the caller to explain. */
void mw_report_fault(const uint32_t *frame) {
    const uint32_t report[4] = {frame[6], frame[5], CFSR, BFAR};
    const uint32_t handle = open_file("fault.bin", 9, MODE_WRITE_BINARY);
    transfer(SEMIHOSTING_WRITE, handle, report, (uint32_t)sizeof report);
    semihosting(SEMIHOSTING_CLOSE, &handle);
    stop(EXIT_ERROR);
}

__attribute__((naked)) void mw_fault_handler(void) {
    /* The faulting code may have run its stack below RAM: report on a fresh one. */
    __asm__ volatile(
        "mrs r0, msp\n"
        "ldr r1, =mw_stack_top\n"
        "mov sp, r1\n"
        "ldr r1, =mw_report_fault\n"
        "bx r1\n"
        ".ltorg\n");
}

__attribute__((noreturn)) void mw_reset_handler(void) {
    const volatile uint32_t *from = mw_data_load;
    for (volatile uint32_t *to = mw_data_start; to < mw_data_end; to++) {
        *to = *from++;
    }
    for (volatile uint32_t *to = mw_bss_start; to < mw_bss_end; to++) {
        *to = 0;
    }
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\nisb" ::: "memory");
#endif
#ifndef __ARM_FEATURE_UNALIGNED
    /* Code for Armv6-M runs on an Armv7-M machine here: make that one refuse unaligned words. */
    CCR |= CCR_UNALIGNED_TRAP;
#endif
    mw_harness();
    stop(EXIT_SUCCESSFUL);
    for (;;) {
    }
}

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector;

__attribute__((used, section(".mw_vectors"))) static const vector vectors[16] = {
    {.stack = mw_stack_top},         {.handler = mw_reset_handler},
    {.handler = mw_fault_handler},   {.handler = mw_fault_handler},
    {.handler = mw_fault_handler},   {.handler = mw_fault_handler},
    {.handler = mw_fault_handler},   {.handler = mw_fault_handler},
    {.handler = mw_fault_handler},   {.handler = mw_fault_handler},
    {.handler = mw_fault_handler},   {.handler = mw_fault_handler},
    {.handler = mw_fault_handler},   {.handler = mw_fault_handler},
    {.handler = mw_fault_handler},   {.handler = mw_fault_handler},
};
