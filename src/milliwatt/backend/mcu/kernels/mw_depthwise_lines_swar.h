/* SPDX-License-Identifier: MIT */
/* Lines of one channel of an image, widened to words, with their padding.
 *
 * A line is a row or a column. Element p of a padded line lies in list p % stride at place
 * p / stride, so that a tap of neighbouring outputs reads neighbouring words. */
#ifndef MW_DEPTHWISE_LINES_SWAR_H
#define MW_DEPTHWISE_LINES_SWAR_H

#include "mw_common.h"

/* The image along and across the lines; steps are bytes. */
typedef struct {
    int32_t along, step_along, step_across;
    int32_t stride, pad, list_words;
} mw_swar_lines;

/* Widens line `index` of the channel at `x` to `line`, and again `again` words further unless that
 * is 0. About 4 instructions an element. */
static MW_NOINLINE __attribute__((unused)) void mw_swar_load_line(const int8_t *x,
                                                                  const mw_swar_lines *shape,
                                                                  int32_t index, int32_t *line,
                                                                  int32_t again)
{
    MW_BARRIER();
    const int32_t stride = shape->stride, step = stride * shape->step_along;
    x += index * shape->step_across;
    for (int32_t list = 0; list < stride; list++) {
        /* The list's first place that is not padding, and the element there. */
        const int32_t place = list >= shape->pad ? 0 : (shape->pad - list + stride - 1) / stride;
        const int32_t element = place * stride + list - shape->pad;
        const int32_t there = (shape->along - element + stride - 1) / stride;
        int32_t count = mw_min_i32(there, shape->list_words - place);
        const int8_t *from = x + element * shape->step_along;
        int32_t *to = line + list * shape->list_words + place;
        for (; count >= 4; count -= 4) {
            to[0] = from[0];
            to[1] = from[step];
            to[2] = from[2 * step];
            to[3] = from[3 * step];
            from += 4 * step;
            if (again) {
                int32_t *const twin = to + again;
                twin[0] = to[0];
                twin[1] = to[1];
                twin[2] = to[2];
                twin[3] = to[3];
            }
            to += 4;
        }
        for (; count > 0; count--) {
            to[0] = *from;
            to[again] = to[0];
            to++;
            from += step;
        }
    }
}

/* Fills `count` words at `to`, and again `again` words further. */
MW_INLINE void mw_swar_fill_line(int32_t *to, int32_t count, int32_t value, int32_t again)
{
    for (; count > 0; count--) {
        to[0] = value;
        to[again] = value;
        to++;
    }
}

#endif
