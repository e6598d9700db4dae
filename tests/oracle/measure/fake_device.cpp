// SPDX-License-Identifier: GPL-3.0-or-later
//
// One CUDA device for a build of PyTorch that has none. Nothing is computed and nothing is allocated on it: it answers
// what the dispatcher, autograd and autocast ask of a device before they run an operator, and fake tensors do the rest.

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace {

// The one device is the current one, whatever is asked for.
struct DeviceGuard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::CUDA>
{
  c10::Device
  exchangeDevice (c10::Device) const override
  {
    return getDevice ();
  }

  c10::Device
  getDevice () const override
  {
    return c10::Device (c10::DeviceType::CUDA, 0);
  }

  c10::Stream
  getStream (c10::Device) const noexcept override
  {
    return c10::Stream (c10::Stream::DEFAULT, getDevice ());
  }

  c10::Stream
  getDefaultStream (c10::Device) const override
  {
    return c10::Stream (c10::Stream::DEFAULT, getDevice ());
  }

  c10::Stream
  exchangeStream (c10::Stream) const noexcept override
  {
    return c10::Stream (c10::Stream::DEFAULT, getDevice ());
  }

  void
  record (void **, const c10::Stream &, const c10::DeviceIndex, const c10::EventFlag) const override
  {
  }

  void
  block (void *, const c10::Stream &) const override
  {
  }

  bool
  queryEvent (void *) const override
  {
    return true;
  }
};

// The name is that under which PyTorch looks for its hooks.
struct CUDAHooks final : at::CUDAHooksInterface
{
  explicit CUDAHooks (at::CUDAHooksArgs)
  {
  }

  void
  init () const override
  {
  }

  bool
  isBuilt () const override
  {
    return true;
  }

  bool
  isAvailable () const override
  {
    return true;
  }

  bool
  hasCUDA () const override
  {
    return true;
  }

  bool
  hasPrimaryContext (c10::DeviceIndex) const override
  {
    return true;
  }

  c10::DeviceIndex
  deviceCount () const override
  {
    return 1;
  }

  c10::DeviceIndex
  getCurrentDevice () const override
  {
    return 0;
  }

  c10::DeviceIndex
  current_device () const override
  {
    return 0;
  }

  int
  getNumGPUs () const override
  {
    return 1;
  }
};

} // namespace

C10_REGISTER_GUARD_IMPL (CUDA, DeviceGuard)

namespace at {
using ::CUDAHooks;
REGISTER_CUDA_HOOKS (CUDAHooks)
} // namespace at
