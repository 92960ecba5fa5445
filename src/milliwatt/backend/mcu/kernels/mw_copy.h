/* SPDX-License-Identifier: MIT */
/* Moving elements of any type: copies, slices, permutations, joins, parts, borders. */
#ifndef MW_COPY_H
#define MW_COPY_H

#include "mw_common.h"

/* size bytes; the regions may overlap. */
MW_INLINE void mw_copy(const void *x, void *y, int32_t size)
{
    __builtin_memmove(y, x, (size_t)size);
}

/* rows runs of run bytes each, from_step and to_step bytes apart. */
MW_INLINE void mw_copy_rows(const void *from, void *to, int32_t rows, int32_t run,
                            int32_t from_step, int32_t to_step)
{
    const uint8_t *source = from;
    uint8_t *target = to;
    for (int32_t i = 0; i < rows; i++) {
        __builtin_memcpy(target + i * to_step, source + i * from_step, (size_t)run);
    }
}

/* y in order from runs of run bytes taken from x + start with a byte step for each of the five
 * dimensions (negative ones go backwards). */
MW_INLINE void mw_copy_strided(const void *x, void *y, int32_t start, int32_t d0, int32_t d1,
                               int32_t d2, int32_t d3, int32_t d4, int32_t s0, int32_t s1,
                               int32_t s2, int32_t s3, int32_t s4, int32_t run)
{
    const uint8_t *source = x;
    uint8_t *target = y;
    for (int32_t i0 = 0; i0 < d0; i0++) {
        for (int32_t i1 = 0; i1 < d1; i1++) {
            for (int32_t i2 = 0; i2 < d2; i2++) {
                for (int32_t i3 = 0; i3 < d3; i3++) {
                    int32_t from = start + i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3;
                    for (int32_t i4 = 0; i4 < d4; i4++) {
                        __builtin_memcpy(target, source + from, (size_t)run);
                        target += run;
                        from += s4;
                    }
                }
            }
        }
    }
}

/* Two operands one after the other in each of rows runs; a_run, b_run: bytes of each. Run after
 * run, so that b may end where y does: what is written lies below all of b that is still to be read. */
MW_INLINE void mw_concat_2(void *y, int32_t rows, const void *a, int32_t a_run, const void *b,
                           int32_t b_run)
{
    const uint8_t *left = a, *right = b;
    uint8_t *target = y;
    for (int32_t i = 0; i < rows; i++) {
        __builtin_memcpy(target, left, (size_t)a_run);
        target += a_run;
        left += a_run;
        __builtin_memmove(target, right, (size_t)b_run);
        target += b_run;
        right += b_run;
    }
}

/* Count operands of the array x, of run[i] bytes in each of rows rows; the last may end where y
 * does. */
MW_INLINE void mw_concat_array(void *y, int32_t rows, const void *const *x, const int32_t *run,
                               int32_t count)
{
    uint8_t *target = y;
    for (int32_t row = 0; row < rows; row++) {
        for (int32_t i = 0; i < count; i++) {
            __builtin_memmove(target, (const uint8_t *)x[i] + row * run[i], (size_t)run[i]);
            target += run[i];
        }
    }
}

/* Up to four operands; those that are missing have a run of 0 bytes. */
MW_INLINE void mw_concat_4(void *y, int32_t rows, const void *a, int32_t a_run, const void *b,
                           int32_t b_run, const void *c, int32_t c_run, const void *d,
                           int32_t d_run)
{
    const void *const x[4] = {a, b, c, d};
    const int32_t run[4] = {a_run, b_run, c_run, d_run};
    mw_concat_array(y, rows, x, run, 4);
}

/* Up to sixteen operands; those that are missing have a run of 0 bytes. */
MW_INLINE void mw_concat_16(void *y, int32_t rows, const void *a, int32_t a_run, const void *b,
                            int32_t b_run, const void *c, int32_t c_run, const void *d,
                            int32_t d_run, const void *e, int32_t e_run, const void *f,
                            int32_t f_run, const void *g, int32_t g_run, const void *h,
                            int32_t h_run, const void *i, int32_t i_run, const void *j,
                            int32_t j_run, const void *k, int32_t k_run, const void *l,
                            int32_t l_run, const void *m, int32_t m_run, const void *n,
                            int32_t n_run, const void *o, int32_t o_run, const void *p,
                            int32_t p_run)
{
    const void *const x[16] = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p};
    const int32_t run[16] = {a_run, b_run, c_run, d_run, e_run, f_run, g_run, h_run,
                             i_run, j_run, k_run, l_run, m_run, n_run, o_run, p_run};
    mw_concat_array(y, rows, x, run, 16);
}

/* Two parts of run bytes out of each of rows rows. */
MW_INLINE void mw_split_2(const void *x, int32_t rows, int32_t run, void *a, void *b)
{
    const uint8_t *source = x;
    mw_copy_rows(source, a, rows, run, 2 * run, run);
    mw_copy_rows(source + run, b, rows, run, 2 * run, run);
}

/* Count parts of run bytes, to the array y. */
MW_INLINE void mw_split_array(const void *x, int32_t rows, int32_t run, void *const *y,
                              int32_t count)
{
    const uint8_t *source = x;
    for (int32_t i = 0; i < count; i++) {
        mw_copy_rows(source + i * run, y[i], rows, run, count * run, run);
    }
}

/* Up to four parts; count is how many there are, the pointers after them are not used. */
MW_INLINE void mw_split_4(const void *x, int32_t rows, int32_t run, int32_t count, void *a,
                          void *b, void *c, void *d)
{
    void *const y[4] = {a, b, c, d};
    mw_split_array(x, rows, run, y, count);
}

/* Up to sixteen parts. */
MW_INLINE void mw_split_16(const void *x, int32_t rows, int32_t run, int32_t count, void *a,
                           void *b, void *c, void *d, void *e, void *f, void *g, void *h, void *i,
                           void *j, void *k, void *l, void *m, void *n, void *o, void *p)
{
    void *const y[16] = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p};
    mw_split_array(x, rows, run, y, count);
}

#endif
