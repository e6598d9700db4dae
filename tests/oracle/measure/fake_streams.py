# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams and events of the fake device: all that is asked of them is done at once, in the order of asking."""

import contextlib

import torch


class Event:
    """torch.cuda.Event of a device that is never behind."""

    def __init__(self, *_arguments, **_options):
        pass

    def record(self, _stream=None):
        return self

    def wait(self, _stream=None):
        pass

    def synchronize(self):
        pass

    def query(self):
        return True


class Stream:
    """torch.cuda.Stream: there is one order of all that happens."""

    device = torch.device('cuda', 0)

    def __init__(self, *_arguments, **_options):
        pass

    def wait_stream(self, _stream):
        pass

    def wait_event(self, _event):
        pass

    def is_capturing(self):
        return False

    def record_event(self, event=None):
        return event or Event()

    def synchronize(self):
        pass


def follow_storages(tracker):
    """What is sharded keeps tensors whose storages come and go (alloc_storage, free_storage)."""
    resize = torch.UntypedStorage.resize_

    def resize_and_count(storage, size):
        result = resize(storage, size)
        tracker.resize(storage)
        return result

    torch.UntypedStorage.resize_ = resize_and_count


def install(tracker):
    torch.cuda.Stream, torch.cuda.Event = Stream, Event
    torch.cuda.current_stream = torch.cuda.default_stream = lambda _device=None: Stream()
    torch.accelerator.current_stream = torch.cuda.current_stream
    torch.cuda.stream = lambda _stream: contextlib.nullcontext()
    torch.Tensor.record_stream = lambda _tensor, _stream: None
    follow_storages(tracker)
