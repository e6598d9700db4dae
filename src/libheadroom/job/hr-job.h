/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-dtype.h"
#include "hr-job-types.h"
#include "hr-model.h"
#include "hr-quantization.h"

G_BEGIN_DECLS

#define HR_TYPE_JOB (hr_job_get_type ())

G_DECLARE_DERIVABLE_TYPE (HrJob, hr_job, HR, JOB, GObject)

/**
 * HrJobClass:
 * @parent_class: the parent class
 * @mode: the mode that the type stands for
 * @resolve: replaces the settings that are "auto" by what they come to for a model
 * @uses_setting: finds out whether a setting says anything, as the others are
 * @list_media: (nullable): lists images, sounds and videos, if the job can have some
 * @count_text_tokens: (nullable): counts the tokens of text beside them
 * @dup_reading: (nullable): creates the job that reads a number of tokens, whatever they are of
 * @copied_type: the class that has set @copy
 * @copy: (nullable): copies all settings of that class at once, but not those of others
 */
struct _HrJobClass
{
  GObjectClass parent_class;

  HrMode mode;

  void (*resolve) (HrJob   *self,
                   HrModel *model);

  gboolean (*uses_setting) (HrJob       *self,
                            GParamSpec  *setting,
                            GParamSpec **because);

  GArray *(*list_media) (HrJob   *self,
                         GError **error);

  guint64 (*count_text_tokens) (HrJob *self);

  HrJob *(*dup_reading) (HrJob   *self,
                         guint64  tokens);

  GType copied_type;

  void (*copy) (HrJob *self,
                HrJob *copy);

  /*< private >*/
  gpointer padding[3];
};

const char *hr_mode_get_name  (HrMode       mode);
gboolean    hr_mode_from_name (const char  *name,
                               HrMode      *mode,
                               GError     **error);

HrJob                    *hr_job_new                    (HrMode       mode) G_GNUC_WARN_UNUSED_RESULT;
HrJob                    *hr_job_copy                   (HrJob       *self) G_GNUC_WARN_UNUSED_RESULT;
HrDtype                   hr_job_assume_dtype           (HrModel     *model);
HrJob                    *hr_job_resolve                (HrJob       *self,
                                                         HrModel     *model) G_GNUC_WARN_UNUSED_RESULT;
gboolean                  hr_job_equal                  (HrJob       *self,
                                                         HrJob       *other);
HrMode                    hr_job_get_mode               (HrJob       *self);
GParamSpec              **hr_job_list_settings          (HrJob       *self,
                                                         guint       *n_settings) G_GNUC_WARN_UNUSED_RESULT;
gboolean                  hr_job_setting_is_expert      (GParamSpec  *setting);
HrSettingGroup            hr_job_setting_get_group      (GParamSpec  *setting);
gboolean                  hr_job_uses_setting           (HrJob       *self,
                                                         GParamSpec  *setting,
                                                         GParamSpec **because);
const char               *hr_job_find_changed           (HrJob       *self,
                                                         const char * const *names);
gboolean                  hr_job_setting_is_model       (GParamSpec  *setting);
gboolean                  hr_job_setting_may_be_left_open (GParamSpec *setting);
HrModel                  *hr_job_get_model              (HrJob       *self,
                                                         const char  *setting);
HrModel                  *hr_job_get_model_to_estimate  (HrJob       *self,
                                                         const char  *setting,
                                                         GError     **error);
void                      hr_job_set_model              (HrJob       *self,
                                                         const char  *setting,
                                                         const char  *name,
                                                         HrModel     *model);
gboolean                  hr_job_load_models            (HrJob       *self,
                                                         GError     **error);
char                     *hr_job_dup_setting_range      (GParamSpec  *setting) G_GNUC_WARN_UNUSED_RESULT;
gboolean                  hr_job_set_from_string        (HrJob       *self,
                                                         const char  *property,
                                                         const char  *value,
                                                         GError     **error);
gboolean                  hr_job_set_all_from_string    (HrJob       *self,
                                                         const char  *settings,
                                                         GError     **error);
char                     *hr_job_get_as_string          (HrJob       *self,
                                                         const char  *property) G_GNUC_WARN_UNUSED_RESULT;
HrDtype                   hr_job_get_dtype              (HrJob       *self);
HrQuantization            hr_job_get_quantization       (HrJob       *self);
HrEstimateMethod          hr_job_get_method_of_estimate (HrJob       *self);
HrAttentionImplementation hr_job_get_attention          (HrJob       *self);
HrAttentionMask           hr_job_get_attention_mask     (HrJob       *self);
gboolean                  hr_job_get_int8_outliers      (HrJob       *self);
guint64                   hr_job_get_memory_reserve     (HrJob       *self);
guint64                   hr_job_get_data_parallel      (HrJob       *self);
guint64                   hr_job_get_tensor_parallel    (HrJob       *self);
guint64                   hr_job_get_pipeline_parallel  (HrJob       *self);
guint64                   hr_job_get_context_parallel   (HrJob       *self);
guint64                   hr_job_get_expert_parallel    (HrJob       *self);
GArray                   *hr_job_list_media             (HrJob       *self,
                                                         GError     **error) G_GNUC_WARN_UNUSED_RESULT;
guint64                   hr_job_count_text_tokens      (HrJob       *self);
HrJob                    *hr_job_dup_reading            (HrJob       *self,
                                                         guint64      tokens) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
