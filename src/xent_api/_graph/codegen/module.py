"""The code around a body: chunks, their sums, and the last few elements.

A chunk is so small that sums of float64 lose next to no digit in it; sums of chunks are added up by
the caller, in their order. The last few elements, less than a vector, are copied to one: the body
is the same for them, and so are their bits.
"""

from typing import NamedTuple

from .emit import Signature
from .memory import KINDS
from .vectors import DECLARED, LANES, SIZES

CHUNK = 512
"""Elements of a chunk."""


class Fields(NamedTuple):
    """Where objects have what they hold, in bytes."""

    items: int
    """In a tuple: its first item."""
    data: int
    """In an array: the address of its first element."""


class Place(NamedTuple):
    """An array of a call."""

    name: str
    size: int
    """Bytes of an element."""
    moves: bool
    """Whether it has something else for each element."""


def chunks(size: int) -> int:
    """Return the number of chunks of so many elements; the last few are one."""
    few = size % LANES
    return -(-(size - few) // CHUNK) + (few > 0)


def module(body: str, signature: Signature, fields: Fields | None) -> str:
    """Return the text of a module with `run`, which computes the chunks `first` to `last`.

    It is given the addresses of arrays, or a tuple of arrays that have them in `fields`: operands
    and then outputs, each one piece of memory. Those that are added up have a float64 for each
    chunk. `layout` is the number of elements, then the numbers among the operands.
    """
    places = [
        Place(f"x{k}", SIZES[KINDS[dtype]], not one)
        for k, (dtype, one) in enumerate(zip(*signature[:2], strict=True))
    ]
    outputs = enumerate(zip(signature.results, signature.summed, strict=True))
    results = [
        Place(f"y{k}", 8 if add else SIZES[KINDS[dtype]], not add) for k, (dtype, add) in outputs
    ]
    sums = [place.name for place in results if not place.moves]
    moving = [place for place in (*places, *results) if place.moves]
    copied = [place for place in places if place.moves]
    stored = [place for place in results if place.moves]

    def called(where: str, count: str, live: str) -> str:
        given = [f"{where}_{name}" if moves else name for name, _, moves in places]
        given += [f"{where}_{name}" for name, _, _ in stored] + [f"sum_{name}" for name in sums]
        pointers = "".join(f"ptr %{name}, " for name in given)
        return f"  call void @body({pointers}i64 {count}, i64 {live}, ptr %numbers)"

    lines = [
        "define void @run(ptr %arrays, ptr %layout, i64 %first, i64 %last) nounwind {",
        "entry:",
        *[
            line
            for k, (name, _, _) in enumerate((*places, *results))
            for line in found(k, name, fields)
        ],
        *[f"  %few_{name} = alloca [{LANES * size} x i8], align 64" for name, size, _ in moving],
        *[
            f"  store [{LANES * size} x i8] zeroinitializer, ptr %few_{name}"
            for name, size, _ in copied
        ],
        "  %n = load i64, ptr %layout",
        "  %numbers = getelementptr i64, ptr %layout, i64 1",
        f"  %whole = and i64 %n, {-LANES}",
        "  %rest = sub i64 %n, %whole",
        "  %some = icmp slt i64 %first, %last",
        "  br i1 %some, label %chunk, label %exit",
        "chunk:",
        "  %c = phi i64 [%first, %entry], [%c1, %done]",
        *[f"  %sum_{name} = getelementptr double, ptr %{name}, i64 %c" for name in sums],
        f"  %c_start = mul i64 %c, {CHUNK}",
        "  %start = call i64 @llvm.smin.i64(i64 %c_start, i64 %whole)",
        "  %left = sub i64 %whole, %start",
        f"  %m = call i64 @llvm.smin.i64(i64 %left, i64 {CHUNK})",
        *[line for place in moving for line in _moved(place)],
        "  %vectors = icmp sgt i64 %m, 0",
        "  br i1 %vectors, label %many, label %few",
        "many:",
        called("at", "%m", "%m"),
        "  br label %done",
        "few:",
        *[f"  %bytes_{name} = mul i64 %rest, {size}" for name, size, _ in moving],
        *[_copied(name, "few", "at") for name, _, _ in copied],
        called("few", str(LANES), "%rest"),
        *[_copied(name, "at", "few") for name, _, _ in stored],
        "  br label %done",
        "done:",
        "  %c1 = add i64 %c, 1",
        "  %more = icmp slt i64 %c1, %last",
        "  br i1 %more, label %chunk, label %exit",
        "exit:",
        "  ret void",
        "}",
    ]
    return "\n".join([DECLARED, body, *lines])


def found(number: int, name: str, fields: Fields | None) -> list[str]:
    """Return the lines that find the first element of an array."""
    items, data = fields or (0, 0)
    lines = [
        f"  %item_{name} = getelementptr i8, ptr %arrays, i64 {items + 8 * number}",
        f"  %object_{name} = load ptr, ptr %item_{name}",
        f"  %data_{name} = getelementptr i8, ptr %object_{name}, i64 {data}",
        f"  %{name} = load ptr, ptr %data_{name}",
    ]
    return lines if fields else [lines[0], f"  %{name} = load ptr, ptr %item_{name}"]


def _moved(place: Place) -> list[str]:
    """Return the lines that find where a chunk begins."""
    name, size, _ = place
    return [
        f"  %offset_{name} = mul i64 %start, {size}",
        f"  %at_{name} = getelementptr i8, ptr %{name}, i64 %offset_{name}",
    ]


def _copied(name: str, to: str, source: str) -> str:
    """Return the line that copies the last few elements."""
    given = f"ptr %{to}_{name}, ptr %{source}_{name}, i64 %bytes_{name}"
    return f"  call void @llvm.memcpy.p0.p0.i64({given}, i1 false)"
