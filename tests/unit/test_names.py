"""Dtypes are known by what namespaces say of them."""

from types import SimpleNamespace
from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api._backends.names import learn_names, name_of


class DType:
    """A dtype that does not tell its name, and is compared with its own kind only."""

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, DType)
        return self is other

    __hash__ = None  # type: ignore[assignment]


def test_names_come_from_the_inspection_of_a_namespace() -> None:
    single, double, truth, brain = (DType() for _ in range(4))

    def dtypes(*, device: Any = None, kind: Any = None) -> dict[str, DType]:
        return {"float32": single, "float64": double, "bool": truth}

    info = SimpleNamespace(dtypes=dtypes)
    learn_names(SimpleNamespace(__array_namespace_info__=lambda: info, bfloat16=brain))
    names = [name_of(dtype) for dtype in (single, double, truth, brain)]
    assert names == ["float32", "float64", "bool", "bfloat16"]
    assert "dtype object" in name_of(DType())


class Other:
    """An array of a namespace that lacks what the standard asks for."""

    namespace = SimpleNamespace(__name__="other")

    def __array_namespace__(self, api_version: str | None = None) -> SimpleNamespace:
        return self.namespace


def test_a_namespace_without_inspection_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"^`logits` must be .*lacks `__array_namespace_info__`"):
        sigmoid_xent.loss(labels=Other(), logits=Other())
