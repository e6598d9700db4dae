/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-tensor-item.h"

/*
 * HeadroomTensorItem:
 *
 * A tensor of a model. There may be a hundred thousand of them: of its texts only the name is kept, which searching and
 * sorting ask for.
 */
struct _HeadroomTensorItem
{
  GObject parent_instance;

  HrAnatomy *anatomy;
  guint index;
  guint copy;
  char *name;
};

G_DEFINE_FINAL_TYPE (HeadroomTensorItem, headroom_tensor_item, G_TYPE_OBJECT)

static void
headroom_tensor_item_finalize (GObject *object)
{
  HeadroomTensorItem *self = HEADROOM_TENSOR_ITEM (object);

  g_clear_object (&self->anatomy);
  g_free (self->name);

  G_OBJECT_CLASS (headroom_tensor_item_parent_class)->finalize (object);
}

static void
headroom_tensor_item_class_init (HeadroomTensorItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = headroom_tensor_item_finalize;
}

static void
headroom_tensor_item_init (HeadroomTensorItem *self)
{
}

/*
 * Makes an item for one of the tensors that the row @index of the model stands for.
 */
HeadroomTensorItem *
headroom_tensor_item_new (HrAnatomy *anatomy,
                          guint      index,
                          guint      copy)
{
  HeadroomTensorItem *self = g_object_new (HEADROOM_TYPE_TENSOR_ITEM, NULL);

  self->anatomy = g_object_ref (anatomy);
  self->index = index;
  self->copy = copy;
  self->name = hr_tensor_get_name (headroom_tensor_item_get_tensor (self), copy);

  return self;
}

const HrTensor *
headroom_tensor_item_get_tensor (HeadroomTensorItem *self)
{
  return hr_model_get_tensor (hr_anatomy_get_model (self->anatomy), self->index);
}

const char *
headroom_tensor_item_get_name (HeadroomTensorItem *self)
{
  return self->name;
}

guint64
headroom_tensor_item_get_bytes (HeadroomTensorItem *self)
{
  return hr_anatomy_get_tensor_bytes (self->anatomy, self->index, self->copy, NULL);
}

const char *
headroom_tensor_item_get_dtype (HeadroomTensorItem *self)
{
  const char *dtype = NULL;

  hr_anatomy_get_tensor_bytes (self->anatomy, self->index, self->copy, &dtype);

  return dtype;
}

/* The name of the tensor whose storage this one shares, or NULL. */
const char *
headroom_tensor_item_get_tied_to (HeadroomTensorItem *self)
{
  return headroom_tensor_item_get_tensor (self)->tied_to;
}

/* “3584 × 18944” */
char *
headroom_tensor_item_dup_shape (HeadroomTensorItem *self)
{
  const HrTensor *tensor = headroom_tensor_item_get_tensor (self);
  g_autoptr (GString) string = g_string_new (NULL);

  for (guint i = 0; i < tensor->n_dimensions; i++)
    g_string_append_printf (string, "%s%" G_GUINT64_FORMAT, i == 0 ? "" : " × ", tensor->shape[i]);

  return g_string_free (g_steal_pointer (&string), FALSE);
}
