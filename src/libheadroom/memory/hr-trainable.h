/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrTrainable:
 * @shape: the sizes
 * @n_dimensions: how many of @shape are used; 0 for a scalar
 * @n_elements: the product of @shape
 * @copies: how many parameters of this kind there are, each with a storage of its own
 * @element: what they are held in
 * @role: what they are in the model; that of the module that they are added to, where a method adds them
 * @module: which of the modules of its block they belong to
 * @is_added: whether a method of fine-tuning adds them to the model
 * @stack: what the stack is for that they are in
 * @beside: (nullable): the tensor that they are added to, where a method adds them
 * @first_copy: beside which of its copies the first of them is, behind which the others come
 * @is_unreached: whether they need a gradient and get none, whatever the batch has, as nothing calls their module
 * @heard: of a projector of sounds when it is called
 * @is_of_positions: whether it is a table of positions, not of tokens
 * @is_of_images: whether it takes images, and not text or videos alone, for a gradient to reach it
 *
 * Parameters that are trained, all of the same shape.
 */
typedef struct
{
  guint64 shape[HR_TENSOR_MAX_DIMENSIONS];
  guint n_dimensions;
  guint64 n_elements;
  guint64 copies;
  HrElement element;
  HrTensorRole role;
  HrModule module;
  gboolean is_added;
  HrStackRole stack;
  const HrTensor *beside;
  guint64 first_copy;
  gboolean is_unreached;
  HrHearing heard;
  gboolean is_of_positions;
  gboolean is_of_images;
} HrTrainable;

/**
 * HrReach:
 * @HR_REACH_TEXT: text alone
 * @HR_REACH_IMAGES: text with images or videos
 * @HR_REACH_SOUNDS: text with sounds
 * @HR_REACH_STILL_IMAGES: images, and not videos alone
 *
 * What a batch has, and so which towers it passes.
 */
typedef enum
{
  HR_REACH_TEXT = 0,
  HR_REACH_IMAGES = 1 << 0,
  HR_REACH_SOUNDS = 1 << 1,
  HR_REACH_STILL_IMAGES = 1 << 2,
} HrReach;

/* All parameters that a job trains, in the order of the model. */
typedef struct _HrTrainables HrTrainables;

/**
 * HrTensorFilter:
 * @tensor: a row of a model
 * @user_data: what the caller handed over
 *
 * Returns: of how many layers the tensor is trained; for one outside the layers, whether it is
 */
typedef guint (*HrTensorFilter) (const HrTensor *tensor,
                                 gpointer        user_data);

/**
 * HrTrainableFunc:
 * @parameter: what stands for the parameter
 * @user_data: what the caller handed over
 */
typedef void (*HrTrainableFunc) (const HrTrainable *parameter,
                                 gpointer           user_data);

gboolean           hr_reach_includes            (HrReach            reach,
                                                 HrStackRole        role);
HrTrainables      *hr_trainables_new            (void);
HrTrainables      *hr_trainables_new_in_fp32    (const HrTrainables *parameters);
HrTrainables      *hr_trainables_new_shared    (const HrTrainables *parameters,
                                               guint64             n_ranks,
                                               guint64             n_expert_ranks);
HrTrainables      *hr_trainables_new_reached    (const HrTrainables *parameters,
                                                 HrReach             reach);
HrTrainables      *hr_trainables_new_for_model  (HrModel           *model,
                                                 HrElement          element);
void               hr_trainables_add_model      (HrTrainables      *self,
                                                 HrModel           *model,
                                                 HrElement          element,
                                                 HrTensorFilter     filter,
                                                 gpointer           user_data);
void               hr_trainables_free           (HrTrainables      *self);
void               hr_trainables_add            (HrTrainables      *self,
                                                 const HrTrainable *trainable);
gboolean           hr_trainables_add_to         (HrTrainables      *self,
                                                 guint              index,
                                                 const HrTrainable *trainable);
void               hr_trainables_foreach        (const HrTrainables *self,
                                                 HrTrainableFunc    func,
                                                 gpointer           user_data);
guint              hr_trainables_get_n_items    (const HrTrainables *self);
const HrTrainable *hr_trainables_get_item       (const HrTrainables *self,
                                                 guint              index);
guint64            hr_trainables_get_n_elements (const HrTrainables *self);
guint64            hr_trainables_get_n_16_bit_elements (const HrTrainables *self);
guint64            hr_trainables_get_n_parameters (const HrTrainables *self);
guint64            hr_trainables_get_bytes      (const HrTrainables *self,
                                                 gboolean           added_only);
guint64            hr_trainable_init            (HrTrainable       *self,
                                                 HrModel           *model,
                                                 guint              index,
                                                 HrElement          element);
guint64            hr_trainable_get_bytes       (const HrTrainable *self);
HrElement          hr_trainable_get_element     (const HrTensor    *tensor,
                                                 HrElement          element);
gboolean           hr_trainable_is_reached      (HrModel           *model,
                                                 const HrTensor    *tensor);
gboolean           hr_trainable_gets_gradient   (const HrTrainable *self,
                                                 HrReach           reach);
gboolean           hr_trainable_is_unread       (HrModel           *model,
                                                 const HrTensor    *tensor,
                                                 guint              copy);
gboolean           hr_trainable_is_passed_by    (HrModel           *model,
                                                 const HrTensor    *tensor,
                                                 guint              copy);
HrHearing          hr_trainable_get_hearing     (HrModel           *model,
                                                 const HrTensor    *tensor);
HrStackRole        hr_trainable_get_stack_role  (HrModel           *model,
                                                 const HrTensor    *tensor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTrainables, hr_trainables_free)

G_END_DECLS
