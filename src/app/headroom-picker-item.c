/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-picker-item.h"

/*
 * A row of a picker, and the object that it stands for.
 */
struct _HeadroomPickerItem
{
  GObject parent_instance;

  char *heading;
  char *icon_name;
  char *title;
  char *subtitle;
  char *detail;
  GObject *object;
};

enum
{
  PROP_0,
  PROP_HEADING,
  PROP_HAS_HEADING,
  PROP_ICON_NAME,
  PROP_HAS_ICON,
  PROP_TITLE,
  PROP_SUBTITLE,
  PROP_DETAIL,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomPickerItem, headroom_picker_item, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
headroom_picker_item_finalize (GObject *object)
{
  HeadroomPickerItem *self = HEADROOM_PICKER_ITEM (object);

  g_clear_pointer (&self->heading, g_free);
  g_clear_pointer (&self->icon_name, g_free);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->subtitle, g_free);
  g_clear_pointer (&self->detail, g_free);
  g_clear_object (&self->object);

  G_OBJECT_CLASS (headroom_picker_item_parent_class)->finalize (object);
}

static void
headroom_picker_item_get_property (GObject    *object,
                                   guint       prop_id,
                                   GValue     *value,
                                   GParamSpec *pspec)
{
  HeadroomPickerItem *self = HEADROOM_PICKER_ITEM (object);

  switch (prop_id)
    {
    case PROP_HEADING:
      g_value_set_string (value, self->heading);
      break;

    case PROP_HAS_HEADING:
      g_value_set_boolean (value, self->heading != NULL);
      break;

    case PROP_ICON_NAME:
      g_value_set_string (value, self->icon_name);
      break;

    case PROP_HAS_ICON:
      g_value_set_boolean (value, self->icon_name != NULL);
      break;

    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;

    case PROP_SUBTITLE:
      g_value_set_string (value, self->subtitle);
      break;

    case PROP_DETAIL:
      g_value_set_string (value, self->detail);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_picker_item_class_init (HeadroomPickerItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = headroom_picker_item_finalize;
  object_class->get_property = headroom_picker_item_get_property;

  properties[PROP_HEADING] =
    g_param_spec_string ("heading", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_HAS_HEADING] =
    g_param_spec_boolean ("has-heading", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_ICON_NAME] =
    g_param_spec_string ("icon-name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_HAS_ICON] =
    g_param_spec_boolean ("has-icon", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_TITLE] =
    g_param_spec_string ("title", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_SUBTITLE] =
    g_param_spec_string ("subtitle", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_DETAIL] =
    g_param_spec_string ("detail", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
headroom_picker_item_init (HeadroomPickerItem *self)
{
}

HeadroomPickerItem *
headroom_picker_item_new (const char *icon_name,
                          const char *title,
                          const char *subtitle,
                          const char *detail,
                          GObject    *object)
{
  HeadroomPickerItem *self = g_object_new (HEADROOM_TYPE_PICKER_ITEM, NULL);

  self->icon_name = g_strdup (icon_name);
  self->title = g_strdup (title);
  self->subtitle = g_strdup (subtitle);
  self->detail = g_strdup (detail);
  g_set_object (&self->object, object);

  return self;
}

/*
 * Sets the name of the group that begins with this item. To be called before the item is shown.
 */
void
headroom_picker_item_set_heading (HeadroomPickerItem *self,
                                  const char         *heading)
{
  g_return_if_fail (HEADROOM_IS_PICKER_ITEM (self));

  g_free (self->heading);
  self->heading = g_strdup (heading);
}

const char *
headroom_picker_item_get_title (HeadroomPickerItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_PICKER_ITEM (self), NULL);

  return self->title;
}

/*
 * Gets what the row stands for, or NULL for the row that stands for none.
 */
GObject *
headroom_picker_item_get_object (HeadroomPickerItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_PICKER_ITEM (self), NULL);

  return self->object;
}
