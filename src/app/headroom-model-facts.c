/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-model-facts.h"

#include <glib/gi18n.h>

#define N_COLUMNS 3

/*
 * HeadroomModelFacts:
 *
 * The figures of a model that memory follows from, each with a plain explanation as its tooltip.
 */
struct _HeadroomModelFacts
{
  AdwBin parent_instance;

  GtkLabel *name;
  GtkLabel *architecture;
  GtkLabel *source;
  GtkGrid *grid;
  GPtrArray *values;
};

G_DEFINE_FINAL_TYPE (HeadroomModelFacts, headroom_model_facts, ADW_TYPE_BIN)

typedef struct
{
  const char *title;
  const char *explanation;
  char *(* format) (HrModel      *model,
                    HrUnitSystem  unit_system);
} Fact;

static char *
format_hyper_parameter (HrModel    *model,
                        const char *name)
{
  guint64 value;

  return hr_model_get_hyper_parameter (model, name, &value) ? hr_format_integer (value) : NULL;
}

static char *
format_parameters (HrModel      *model,
                   HrUnitSystem  unit_system)
{
  return hr_format_count (hr_model_get_n_parameters (model));
}

static char *
format_layers (HrModel      *model,
               HrUnitSystem  unit_system)
{
  return format_hyper_parameter (model, "num_hidden_layers");
}

static char *
format_hidden_size (HrModel      *model,
                    HrUnitSystem  unit_system)
{
  return format_hyper_parameter (model, "hidden_size");
}

static char *
format_heads (HrModel      *model,
              HrUnitSystem  unit_system)
{
  g_autofree char *heads = format_hyper_parameter (model, "num_attention_heads");
  g_autofree char *key_value_heads = format_hyper_parameter (model, "num_key_value_heads");

  if (heads == NULL || key_value_heads == NULL)
    return g_steal_pointer (&heads);

  /* Translators: heads of a model's attention: of the queries, and of the keys and values */
  return g_strdup_printf (_("%1$s / %2$s KV"), heads, key_value_heads);
}

static char *
format_head_dim (HrModel      *model,
                 HrUnitSystem  unit_system)
{
  return format_hyper_parameter (model, "head_dim");
}

static char *
format_vocabulary (HrModel      *model,
                   HrUnitSystem  unit_system)
{
  return format_hyper_parameter (model, "vocab_size");
}

static char *
format_context (HrModel      *model,
                HrUnitSystem  unit_system)
{
  return format_hyper_parameter (model, "max_position_embeddings");
}

static char *
format_dtype (HrModel      *model,
              HrUnitSystem  unit_system)
{
  HrDtype dtype = hr_model_get_dtype (model);

  return dtype != HR_DTYPE_AUTO ? g_strdup (hr_dtype_get_name (dtype)) : NULL;
}

static char *
format_cache (HrModel      *model,
              HrUnitSystem  unit_system)
{
  guint64 n_elements = hr_model_get_cache_elements_per_token (model);
  HrDtype dtype = hr_model_get_dtype (model);

  return dtype != HR_DTYPE_AUTO ? hr_format_bytes (hr_dtype_get_bytes (dtype, n_elements), unit_system) : NULL;
}

static const Fact facts[] = {
  { N_("Parameters"),
    N_("How many numbers the model has learnt. A matrix that two layers share counts once."),
    format_parameters },
  { N_("Layers"),
    N_("How many blocks of attention and feed-forward a token passes. Weights and KV cache grow with it."),
    format_layers },
  { N_("Hidden size"),
    N_("How many numbers stand for a token between the layers. Weights grow with its square."),
    format_hidden_size },
  { N_("Heads"),
    N_("Attention heads of the queries, and those of the keys and values (KV), which several queries may share. "
       "Only the KV heads take room in the cache."),
    format_heads },
  { N_("Head size"),
    N_("How many numbers a head works with. Not always hidden size divided by heads."),
    format_head_dim },
  { N_("Vocabulary"),
    N_("How many different tokens the model knows. The embedding, the output head and the logits grow with it."),
    format_vocabulary },
  { N_("Context"),
    N_("The longest sequence that the model’s configuration allows, in tokens."),
    format_context },
  { N_("Data type"),
    N_("What the configuration says the weights are stored in."),
    format_dtype },
  { N_("KV per token"),
    N_("What the cache takes for each token of each sequence, over all layers, in the data type of the model."),
    format_cache },
};

static GtkWidget *
fact_new (HeadroomModelFacts *self,
          const Fact         *fact)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *title = gtk_label_new (_(fact->title));
  GtkWidget *value = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (title, "caption");
  gtk_widget_add_css_class (title, "dim-label");

  gtk_label_set_xalign (GTK_LABEL (value), 0);
  gtk_label_set_ellipsize (GTK_LABEL (value), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (value, "numeric");
  gtk_accessible_update_relation (GTK_ACCESSIBLE (value), GTK_ACCESSIBLE_RELATION_LABELLED_BY, title, NULL, -1);

  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), value);
  gtk_widget_set_tooltip_text (box, _(fact->explanation));

  g_ptr_array_add (self->values, value);

  return box;
}

static void
headroom_model_facts_dispose (GObject *object)
{
  HeadroomModelFacts *self = HEADROOM_MODEL_FACTS (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), HEADROOM_TYPE_MODEL_FACTS);
  g_clear_pointer (&self->values, g_ptr_array_unref);

  G_OBJECT_CLASS (headroom_model_facts_parent_class)->dispose (object);
}

static void
headroom_model_facts_class_init (HeadroomModelFactsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_model_facts_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-model-facts.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomModelFacts, name);
  gtk_widget_class_bind_template_child (widget_class, HeadroomModelFacts, architecture);
  gtk_widget_class_bind_template_child (widget_class, HeadroomModelFacts, source);
  gtk_widget_class_bind_template_child (widget_class, HeadroomModelFacts, grid);
}

static void
headroom_model_facts_init (HeadroomModelFacts *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->values = g_ptr_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    gtk_grid_attach (self->grid, fact_new (self, &facts[i]), i % N_COLUMNS, i / N_COLUMNS, 1, 1);
}

GtkWidget *
headroom_model_facts_new (void)
{
  return g_object_new (HEADROOM_TYPE_MODEL_FACTS, NULL);
}

/*
 * Shows the facts of @model, which came from @place. What the model does not say is a dash.
 */
void
headroom_model_facts_show (HeadroomModelFacts *self,
                           HrModel            *model,
                           const char         *place,
                           HrUnitSystem        unit_system)
{
  g_return_if_fail (HEADROOM_IS_MODEL_FACTS (self));
  g_return_if_fail (HR_IS_MODEL (model));

  gtk_label_set_label (self->name, hr_model_get_name (model));
  gtk_label_set_label (self->architecture, hr_model_get_architecture (model));
  gtk_label_set_label (self->source, place);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->source), place);

  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    {
      g_autofree char *value = facts[i].format (model, unit_system);

      gtk_label_set_label (g_ptr_array_index (self->values, i), value != NULL ? value : "–");
    }
}
