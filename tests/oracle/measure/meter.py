# SPDX-License-Identifier: GPL-3.0-or-later
"""The allocator's own figures, phase by phase."""

import contextlib
import gc

import torch


class Meter:
    """Keeps the peak of each phase, and what is alive between the phases."""

    n_steps = 3  # of training; the last one is measured, when libraries and optimizer have what they keep

    def __init__(self):
        self.phase = None
        self.phases = {}
        self.requested = {}
        self.levels = {}

    def enter(self, phase):
        """Ends the phase that runs and begins another; None is between phases."""
        if self.phase is not None:
            peak = torch.cuda.max_memory_allocated()
            asked = torch.cuda.memory_stats()['requested_bytes.all.peak']
            self.phases[self.phase] = max(peak, self.phases.get(self.phase, 0))
            self.requested[self.phase] = max(asked, self.requested.get(self.phase, 0))
        self.phase = phase
        torch.cuda.reset_peak_memory_stats()

    def mark(self, level):
        """Notes what is alive now. Statistics change on the host, so there is nothing to wait for."""
        self.levels[level] = torch.cuda.memory_allocated()

    def restart(self):
        """Forgets what the warm-up showed."""
        self.phase = None
        self.phases, self.requested, self.levels = {}, {}, {}
        torch.cuda.reset_peak_memory_stats()

    def read(self):
        """The measurement."""
        return {
            'phases': self.phases,
            'levels': self.levels,
            'requested-bytes': max(self.requested.values()),
        }


class FakeMeter(Meter):
    """What fake tensors take; the first step and the one after it are all that there is to see."""

    n_steps = 2

    def __init__(self, tracker):
        super().__init__()
        self.tracker = tracker
        self.peaks = {}

    def enter(self, phase):
        """Notes what made the peak of the phase that ends, too."""
        if self.phase is not None and self.tracker.peak > self.phases.get(self.phase, 0):
            self.peaks[self.phase] = {'operator': str(self.tracker.operator)}
            if self.tracker.explains:
                self.peaks[self.phase]['alive'] = self.tracker.list_peak()
        super().enter(phase)

    def restart(self):
        self.peaks = {}
        super().restart()

    def read(self):
        return {**super().read(), 'peaks': self.peaks}


def read_device():
    """What the allocator and the device show, while everything that was reserved for a case still is."""
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    return {'reserved-bytes': torch.cuda.memory_reserved(), 'device-bytes': total - free}


def clean():
    """Gives everything back that nobody holds, so that a case finds the allocator as a new process would."""
    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()


@contextlib.contextmanager
def entered_before(module, meter, phases):
    """Enters a phase when a module is called: the one that follows the phase that runs."""
    if module is None:
        yield
        return
    hook = module.register_forward_pre_hook(lambda *_: meter.enter(phases.get(meter.phase, meter.phase)))
    try:
        yield
    finally:
        hook.remove()


def left_over():
    """What is still handed out when a case has let go of everything: workspaces of the libraries."""
    clean()
    return torch.cuda.memory_allocated()
