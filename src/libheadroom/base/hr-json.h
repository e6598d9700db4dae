/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-error.h"

G_BEGIN_DECLS

/* The most that a JSON file may hold; the largest index of a checkpoint is far below it. */
#define HR_JSON_MAX_BYTES (16 * 1024 * 1024)

/**
 * HrJsonType:
 * @HR_JSON_NULL: null
 * @HR_JSON_BOOLEAN: true or false
 * @HR_JSON_INTEGER: a number without a fraction or an exponent that fits a #gint64
 * @HR_JSON_REAL: any other number, also Python's NaN and Infinity
 * @HR_JSON_STRING: a string
 * @HR_JSON_ARRAY: an array
 * @HR_JSON_OBJECT: an object
 */
typedef enum
{
  HR_JSON_NULL,
  HR_JSON_BOOLEAN,
  HR_JSON_INTEGER,
  HR_JSON_REAL,
  HR_JSON_STRING,
  HR_JSON_ARRAY,
  HR_JSON_OBJECT,
} HrJsonType;

/**
 * HrJsonMode:
 * @HR_JSON_TOLERANT: comments, commas before a closing bracket, NaN and repeated keys (the last one holds, as in
 *   Python) are let through with a warning: what people paste
 * @HR_JSON_STRICT: all of those are errors: Headroom's own data
 */
typedef enum
{
  HR_JSON_TOLERANT,
  HR_JSON_STRICT,
} HrJsonMode;

typedef struct _HrJson HrJson;

/* A document; its nodes live as long as it does. */
HrJson             *hr_json_new_from_data     (const char          *data,
                                               gssize               length,
                                               const char          *origin,
                                               HrJsonMode           mode,
                                               GError             **error) G_GNUC_WARN_UNUSED_RESULT;
HrJson             *hr_json_new_from_file     (GFile               *file,
                                               HrJsonMode           mode,
                                               GError             **error) G_GNUC_WARN_UNUSED_RESULT;
HrJson             *hr_json_new_from_resource (const char          *path,
                                               GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void                hr_json_free              (HrJson              *self);
const char         *hr_json_get_origin        (HrJson              *self);
const char * const *hr_json_get_warnings      (HrJson              *self);

/* A node and its surroundings. */
HrJsonType          hr_json_get_node_type     (HrJson              *self);
const char         *hr_json_get_key           (HrJson              *self);
char               *hr_json_dup_path          (HrJson              *self) G_GNUC_WARN_UNUSED_RESULT;
char               *hr_json_dup_text          (HrJson              *self) G_GNUC_WARN_UNUSED_RESULT;
char               *hr_json_dup_text_with     (HrJson              *self,
                                               const char * const  *keys,
                                               const char * const  *texts) G_GNUC_WARN_UNUSED_RESULT;
guint               hr_json_get_length        (HrJson              *self);
HrJson             *hr_json_get_element       (HrJson              *self,
                                               guint                index);
HrJson             *hr_json_get_member        (HrJson              *self,
                                               const char          *key);
gboolean            hr_json_has_null_member   (HrJson              *self,
                                               const char          *key);
HrJson             *hr_json_require_member    (HrJson              *self,
                                               const char          *key,
                                               GError             **error);
gboolean            hr_json_require_text      (HrJson              *self,
                                               const char          *key,
                                               const char         **text,
                                               GError             **error);

/* The value of a node that is there. */
gboolean            hr_json_check_type        (HrJson              *self,
                                               HrJsonType           type,
                                               GError             **error);
gboolean            hr_json_read_boolean      (HrJson              *self,
                                               gboolean            *value,
                                               GError             **error);
gboolean            hr_json_read_int          (HrJson              *self,
                                               gint64              *value,
                                               GError             **error);
gboolean            hr_json_read_uint         (HrJson              *self,
                                               guint64              minimum,
                                               guint64              maximum,
                                               guint64             *value,
                                               GError             **error);
gboolean            hr_json_read_double       (HrJson              *self,
                                               double              *value,
                                               GError             **error);
gboolean            hr_json_read_string       (HrJson              *self,
                                               const char         **value,
                                               GError             **error);

/* The value of a member that may be absent (or null, which is the same); then nothing is written, without an error. */
gboolean            hr_json_get_boolean       (HrJson              *self,
                                               const char          *key,
                                               gboolean            *value,
                                               GError             **error);
gboolean            hr_json_get_uint          (HrJson              *self,
                                               const char          *key,
                                               guint64              minimum,
                                               guint64              maximum,
                                               guint64             *value,
                                               GError             **error);
gboolean            hr_json_get_double        (HrJson              *self,
                                               const char          *key,
                                               double              *value,
                                               GError             **error);
gboolean            hr_json_get_string        (HrJson              *self,
                                               const char          *key,
                                               const char         **value,
                                               GError             **error);
gboolean            hr_json_get_array         (HrJson              *self,
                                               const char          *key,
                                               HrJson             **value,
                                               GError             **error);
gboolean            hr_json_get_strings       (HrJson              *self,
                                               const char          *key,
                                               char              ***values,
                                               GError             **error);
gboolean            hr_json_get_object        (HrJson              *self,
                                               const char          *key,
                                               HrJson             **value,
                                               GError             **error);

/* Errors that name the file and the place. */
gboolean            hr_json_check_members     (HrJson              *self,
                                               const char * const  *known,
                                               GError             **error);
void                hr_json_set_error         (HrJson              *self,
                                               HrError              code,
                                               const char          *expected,
                                               GError             **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrJson, hr_json_free)

G_END_DECLS
