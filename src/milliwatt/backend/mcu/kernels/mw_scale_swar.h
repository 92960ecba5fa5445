/* SPDX-License-Identifier: MIT */
/* Sums to int8 with two 32-bit products: lowering/swar/scale.py finds the numbers and proves them
 * equal to the reference's two roundings.
 *
 * Cortex-M0+: 12 instructions an output that is not clamped, 14 one that is; 3 more with falls.
 * Where there are no such numbers, mw_requantize does it, in some 40. */
#ifndef MW_SCALE_SWAR_H
#define MW_SCALE_SWAR_H

#include "mw_requantize.h"

/* Low bits of a sum that its fine product leaves out. */
#define MW_SCALE_DROPPED 2

/* How sums are treated: as they are; cut to the channel's limits first; by mw_requantize. */
#define MW_SCALE_PLAIN 0
#define MW_SCALE_LIMITED 1
#define MW_SCALE_EXACT 2

/* What all channels of a layer share. */
typedef struct {
    int32_t low_shift, shift; /* of the fine product, of the whole */
    int32_t least, span;      /* outputs are least..least + span */
    int32_t step;             /* words from a channel's numbers to the next one's; 0: all share */
} mw_scale;

/* One channel's factors, offset, fall; sums beyond -limit..limit are cut first. With MW_SCALE_EXACT
 * `high` is the multiplier, `low` its shift, and `offset` the zero point less the least output. */
typedef struct {
    int32_t high, low, offset, fall, limit;
} mw_channel_scale;

/* The channel whose words begin at `words`: both factors, the offset, the fall where `falls`, the
 * limit where the treatment is MW_SCALE_LIMITED; or multiplier, shift, offset. */
MW_INLINE mw_channel_scale mw_channel_scale_at(const int32_t *MW_RESTRICT words, int32_t falls,
                                               int32_t treatment)
{
    mw_channel_scale found = {words[0], words[1], 0, 0, 0};
    if (treatment == MW_SCALE_EXACT) {
        found.offset = words[2];
        return found;
    }
    found.high = (int32_t)((uint32_t)words[0] & 0xFFFFu);
    found.low = (int32_t)((uint32_t)words[0] >> 16);
    found.offset = words[1];
    found.fall = falls ? words[2] : 0;
    found.limit = treatment == MW_SCALE_LIMITED ? words[falls ? 3 : 2] : 0;
    return found;
}

/* int8 output of a sum; falls (whether there are any) and treatment are literals. */
MW_INLINE int8_t mw_scale_swar(int32_t sum, const mw_channel_scale *channel, const mw_scale *scale,
                               int32_t falls, int32_t treatment)
{
    if (treatment == MW_SCALE_EXACT) {
        const int32_t scaled = mw_requantize(sum, channel->high, channel->low);
        return (int8_t)(scale->least + mw_offset_clamp(scaled, channel->offset, 0, scale->span));
    }
    if (treatment == MW_SCALE_LIMITED) {
        sum = mw_clamp_i32(sum, -channel->limit, channel->limit);
    }
    const int32_t fine = ((sum >> MW_SCALE_DROPPED) * channel->low) >> scale->low_shift;
    int32_t f = sum * channel->high + fine + channel->offset;
    if (falls) {
        f -= (sum >> 31) & channel->fall;
    }
    uint32_t y = (uint32_t)f >> scale->shift;
    if (y > (uint32_t)scale->span) {
        y = (uint32_t)(scale->span & ~(f >> 31));
    }
    return (int8_t)(scale->least + (int32_t)y);
}

#endif
