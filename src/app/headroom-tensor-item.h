/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-anatomy.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_TENSOR_ITEM (headroom_tensor_item_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomTensorItem, headroom_tensor_item, HEADROOM, TENSOR_ITEM, GObject)

HeadroomTensorItem *headroom_tensor_item_new         (HrAnatomy          *anatomy,
                                                      guint               index,
                                                      guint               copy) G_GNUC_WARN_UNUSED_RESULT;
const HrTensor     *headroom_tensor_item_get_tensor  (HeadroomTensorItem *self);
const char         *headroom_tensor_item_get_name    (HeadroomTensorItem *self);
guint64             headroom_tensor_item_get_bytes   (HeadroomTensorItem *self);
const char         *headroom_tensor_item_get_dtype   (HeadroomTensorItem *self);
const char         *headroom_tensor_item_get_tied_to (HeadroomTensorItem *self);
char               *headroom_tensor_item_dup_shape   (HeadroomTensorItem *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
