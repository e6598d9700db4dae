/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"

G_BEGIN_DECLS

typedef struct _HrJsonDocument HrJsonDocument;

struct _HrJson
{
  HrJsonType type;
  guint offset;           /* in the source, for the line of a message */
  guint text_length;      /* as written */
  guint index;            /* in the parent */
  HrJson *parent;         /* NULL for the root */
  const char *key;        /* NULL for the root and for elements of arrays */
  union
  {
    gboolean boolean;
    gint64 integer;
    double real;
    const char *string;
    struct
    {
      HrJson **nodes;     /* in the order of the file */
      HrJson **sorted;    /* of an object: by key */
      guint n_nodes;
    } children;
  };
};

/* Owns all nodes of a file; its root is the first member, so that the root stands for it. */
struct _HrJsonDocument
{
  HrJson root;
  char *origin;
  const char *source;     /* as read */
  GBytes *bytes;          /* what @source points into */
  gsize length;
  char *text;             /* a copy of @source in which the parser unescapes strings in place */
  GPtrArray *warnings;    /* of char *, null-terminated */
  GPtrArray *blocks;      /* memory of the nodes */
  char *free_space;
  gsize n_free;
};

gpointer hr_json_document_allocate     (HrJsonDocument  *self,
                                        gsize            size);
void     hr_json_document_get_position (HrJsonDocument  *self,
                                        gsize            offset,
                                        guint           *line,
                                        guint           *column);
gboolean hr_json_document_parse        (HrJsonDocument  *self,
                                        HrJsonMode       mode,
                                        GError         **error);

G_END_DECLS
