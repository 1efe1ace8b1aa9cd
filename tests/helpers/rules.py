"""The rules of derivatives switched off, as in a framework that loses them (pytorch#192985)."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest

MODULES = {"torch": ("torch", "torch.autograd"), "jax": ("jax",)}


@contextmanager
def without_rules(library: str) -> Iterator[None]:
    """Let no program have derivatives in closed form."""
    with pytest.MonkeyPatch.context() as patch:
        for name in MODULES[library]:
            module = import_module(f"xent_api._backends.{name}")
            patch.setattr(module, "has_closed_form", lambda *_: False)
        yield
