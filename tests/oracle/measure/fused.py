# SPDX-License-Identifier: GPL-3.0-or-later
"""Liger-Kernel in place of a model's own functions, where the package is there."""

LOSSES = {
    'cross-entropy': {'cross_entropy': False, 'fused_linear_cross_entropy': False},
    'liger-cross-entropy': {'cross_entropy': True, 'fused_linear_cross_entropy': False},
    'liger-fused-linear-cross-entropy': {'cross_entropy': False, 'fused_linear_cross_entropy': True},
}
KERNELS = ('rope', 'rms_norm', 'swiglu', 'geglu', 'layer_norm')


def apply(model, settings):
    """Patches the model; without fused kernels only the loss is another one."""
    kernels, loss = settings.get('fused-kernels', 'none'), settings['loss-implementation']
    if kernels == 'none' and loss == 'cross-entropy':
        return
    import inspect  # pylint: disable=import-outside-toplevel

    from liger_kernel.transformers import monkey_patch  # pylint: disable=import-outside-toplevel

    patch = monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN[model.config.model_type]
    known = inspect.signature(patch).parameters
    options = dict(LOSSES[loss])
    options.update({name: kernels == 'liger' for name in KERNELS})
    patch(model=model, **{name: value for name, value in options.items() if name in known})
