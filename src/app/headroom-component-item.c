/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-component-item.h"

#include "hr-labels.h"

/*
 * HeadroomComponentItem:
 *
 * A component of an estimate as a row of a table, with what can be sorted by as properties.
 */
struct _HeadroomComponentItem
{
  GObject parent_instance;

  HrComponent *component;
  guint index;
  guint64 total;
};

enum
{
  PROP_0,
  PROP_LABEL,
  PROP_BYTES,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomComponentItem, headroom_component_item, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
headroom_component_item_finalize (GObject *object)
{
  HeadroomComponentItem *self = HEADROOM_COMPONENT_ITEM (object);

  g_clear_object (&self->component);

  G_OBJECT_CLASS (headroom_component_item_parent_class)->finalize (object);
}

static void
headroom_component_item_get_property (GObject    *object,
                                      guint       prop_id,
                                      GValue     *value,
                                      GParamSpec *pspec)
{
  HeadroomComponentItem *self = HEADROOM_COMPONENT_ITEM (object);

  switch (prop_id)
    {
    case PROP_LABEL:
      g_value_set_string (value, headroom_component_item_get_label (self));
      break;

    case PROP_BYTES:
      g_value_set_uint64 (value, headroom_component_item_get_bytes (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_component_item_class_init (HeadroomComponentItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = headroom_component_item_finalize;
  object_class->get_property = headroom_component_item_get_property;

  /*
   * HeadroomComponentItem:label:
   *
   * What the component is called.
   */
  properties[PROP_LABEL] =
    g_param_spec_string ("label", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomComponentItem:bytes:
   *
   * The size of the component.
   */
  properties[PROP_BYTES] =
    g_param_spec_uint64 ("bytes", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
headroom_component_item_init (HeadroomComponentItem *self)
{
}

/*
 * headroom_component_item_new:
 * @component: a component
 * @index: its place in the estimate
 * @total: what it is a share of
 */
HeadroomComponentItem *
headroom_component_item_new (HrComponent *component,
                             guint        index,
                             guint64      total)
{
  HeadroomComponentItem *self = g_object_new (HEADROOM_TYPE_COMPONENT_ITEM, NULL);

  self->component = g_object_ref (component);
  self->index = index;
  self->total = total;

  return self;
}

HrComponent *
headroom_component_item_get (HeadroomComponentItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_COMPONENT_ITEM (self), NULL);

  return self->component;
}

guint
headroom_component_item_get_index (HeadroomComponentItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_COMPONENT_ITEM (self), 0);

  return self->index;
}

const char *
headroom_component_item_get_label (HeadroomComponentItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_COMPONENT_ITEM (self), NULL);

  return hr_component_id_get_label (hr_component_get_id (self->component));
}

guint64
headroom_component_item_get_bytes (HeadroomComponentItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_COMPONENT_ITEM (self), 0);

  return hr_component_get_bytes (self->component);
}

guint64
headroom_component_item_get_total (HeadroomComponentItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_COMPONENT_ITEM (self), 0);

  return self->total;
}
