"""Dtypes are known by what namespaces say of them."""

from types import SimpleNamespace
from typing import Any

from xent_api._backends.names import learn_names, name_of


class DType:
    """A dtype that does not tell its name, and is compared with its own kind only."""

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, DType)
        return self is other

    def __hash__(self) -> int:
        return hash("float32")


def test_names_come_from_the_inspection_of_a_namespace() -> None:
    single, double, truth, brain = (DType() for _ in range(4))

    def dtypes(*, device: Any = None, kind: Any = None) -> dict[str, DType]:
        return {"float32": single, "float64": double, "bool": truth}

    info = SimpleNamespace(dtypes=dtypes)
    learn_names(SimpleNamespace(__array_namespace_info__=lambda: info, bfloat16=brain))
    names = [name_of(dtype) for dtype in (single, double, truth, brain)]
    assert names == ["float32", "float64", "bool", "bfloat16"]
    assert name_of(DType()).startswith("dtype object")
