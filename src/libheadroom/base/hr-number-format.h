/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrNumberKind:
 * @HR_NUMBER_KIND_FLOAT: a sign, an exponent and a mantissa
 * @HR_NUMBER_KIND_EXPONENT: an exponent alone: powers of two
 * @HR_NUMBER_KIND_INTEGER: a two's complement
 * @HR_NUMBER_KIND_TABLE: the place of a value in a table
 *
 * How the bits of a format are to be read.
 */
typedef enum
{
  HR_NUMBER_KIND_FLOAT,
  HR_NUMBER_KIND_EXPONENT,
  HR_NUMBER_KIND_INTEGER,
  HR_NUMBER_KIND_TABLE,
} HrNumberKind;

/**
 * HrNumberSpecials:
 * @HR_NUMBER_SPECIALS_NONE: every pattern is a finite number
 * @HR_NUMBER_SPECIALS_IEEE: the largest exponent is for infinities and for what is not a number
 * @HR_NUMBER_SPECIALS_ALL_ONES: only all ones (after the sign) is not a number; there is no infinity
 * @HR_NUMBER_SPECIALS_NEGATIVE_ZERO: only what would be minus zero is not a number; there is no infinity
 *
 * Which patterns of a format are no finite numbers.
 */
typedef enum
{
  HR_NUMBER_SPECIALS_NONE,
  HR_NUMBER_SPECIALS_IEEE,
  HR_NUMBER_SPECIALS_ALL_ONES,
  HR_NUMBER_SPECIALS_NEGATIVE_ZERO,
} HrNumberSpecials;

/**
 * HrNumberField:
 * @HR_NUMBER_FIELD_SIGN: the sign; of a two's complement the bit of negative weight
 * @HR_NUMBER_FIELD_EXPONENT: the exponent, with its bias
 * @HR_NUMBER_FIELD_MANTISSA: the fraction of a floating-point number
 * @HR_NUMBER_FIELD_VALUE: a whole number, or a place in a table
 *
 * What a bit belongs to.
 */
typedef enum
{
  HR_NUMBER_FIELD_SIGN,
  HR_NUMBER_FIELD_EXPONENT,
  HR_NUMBER_FIELD_MANTISSA,
  HR_NUMBER_FIELD_VALUE,
} HrNumberField;

/**
 * HrNumberClass:
 * @HR_NUMBER_CLASS_ZERO: zero
 * @HR_NUMBER_CLASS_SUBNORMAL: below the smallest normal number, without the leading one
 * @HR_NUMBER_CLASS_NORMAL: any other finite number
 * @HR_NUMBER_CLASS_INFINITE: an infinity
 * @HR_NUMBER_CLASS_NAN: not a number
 *
 * What kind of value a pattern has.
 */
typedef enum
{
  HR_NUMBER_CLASS_ZERO,
  HR_NUMBER_CLASS_SUBNORMAL,
  HR_NUMBER_CLASS_NORMAL,
  HR_NUMBER_CLASS_INFINITE,
  HR_NUMBER_CLASS_NAN,
} HrNumberClass;

/**
 * HrNumberFormat: (skip)
 * @id: a key that does not depend on the language
 * @name: what the field calls it
 * @kind: how its bits are read
 * @specials: which patterns are no finite numbers
 * @n_sign_bits: the bits of the sign
 * @n_exponent_bits: the bits of the exponent
 * @n_mantissa_bits: the bits of the fraction, of the whole number, or of the place in the table
 * @n_stored_bits: what an element takes in memory, which is more than its bits for TF32
 * @bias: what is taken off the field of the exponent
 * @source: where the format is written down
 *
 * A format of numbers: what its bits mean. Every value of every format is one of double precision, exactly.
 */
typedef struct
{
  const char *id;
  const char *name;
  HrNumberKind kind;
  HrNumberSpecials specials;
  guint n_sign_bits;
  guint n_exponent_bits;
  guint n_mantissa_bits;
  guint n_stored_bits;
  int bias;
  const char *source;
} HrNumberFormat;

guint                 hr_get_n_number_formats                   (void);
const HrNumberFormat *hr_number_format_get                      (guint                 index);
const HrNumberFormat *hr_number_format_find                     (const char           *id);
guint                 hr_number_format_get_n_bits               (const HrNumberFormat *self);
HrNumberField         hr_number_format_get_field                (const HrNumberFormat *self,
                                                                 guint                 bit);
guint                 hr_number_format_get_exponent             (const HrNumberFormat *self,
                                                                 guint64               bits);
guint64               hr_number_format_get_mantissa             (const HrNumberFormat *self,
                                                                 guint64               bits);
gboolean              hr_number_format_is_negative              (const HrNumberFormat *self,
                                                                 guint64               bits);
HrNumberClass         hr_number_format_classify                 (const HrNumberFormat *self,
                                                                 guint64               bits);
double                hr_number_format_decode                   (const HrNumberFormat *self,
                                                                 guint64               bits);
gboolean              hr_number_format_encode                   (const HrNumberFormat *self,
                                                                 double                value,
                                                                 guint64              *bits);
gboolean              hr_number_format_parse                    (const HrNumberFormat *self,
                                                                 const char           *text,
                                                                 guint64              *bits);
guint64               hr_number_format_get_largest              (const HrNumberFormat *self);
guint64               hr_number_format_get_smallest_normal      (const HrNumberFormat *self);
gboolean              hr_number_format_get_smallest_subnormal   (const HrNumberFormat *self,
                                                                 guint64              *bits);
gboolean              hr_number_format_get_epsilon              (const HrNumberFormat *self,
                                                                 double               *epsilon);
gboolean              hr_number_format_get_n_digits             (const HrNumberFormat *self,
                                                                 guint                *n_kept,
                                                                 guint                *n_needed);
void                  hr_number_format_count_specials           (const HrNumberFormat *self,
                                                                 guint64              *n_infinite,
                                                                 guint64              *n_nan);
char                 *hr_number_format_dup_decimal              (const HrNumberFormat *self,
                                                                 guint64               bits) G_GNUC_WARN_UNUSED_RESULT;
char                 *hr_number_format_dup_shortest             (const HrNumberFormat *self,
                                                                 guint64               bits) G_GNUC_WARN_UNUSED_RESULT;
char                 *hr_number_format_dup_exact                (double                value) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
