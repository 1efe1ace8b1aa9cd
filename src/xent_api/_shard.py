"""What says which of all classes an array has, where they lie on several devices."""

from collections.abc import Callable
from numbers import Integral

from ._typing import Array

Collective = Callable[[Array], Array]


class ClassShard:
    r"""The part of the classes that this device has, of those on several devices.

    It is the argument `shard` of the softmax families, and of the functions of `special` that work
    on rows. Local are `logits`, probability `labels`, `class_weights`, `vector`, and results of
    those shapes. Parts may be uneven or empty. All other arrays are the same on every device: class
    indices, which are numbers among all classes, `mask`, `weights`, losses and totals.

    Only numbers of rows are sent: the maximum of each row, sums over its classes, and what stands
    at its label.

    Parameters
    ----------
    first : int or 0-d integer array
        The number of the first local class; under a tracer it may be an array as of
        ``jax.lax.axis_index``.
    size : int
        The number of all classes.
    max : callable
        Takes an array with a number for each row, and returns its elementwise maximum over the
        devices, in the same dtype.
    sum : callable
        The same for the sum. Both may work in place.

    Raises
    ------
    TypeError
        For a `first` or `size` of another kind, or a `max` or `sum` that cannot be called.
    ValueError
        For a `size` below 1. Functions that take it raise one for local classes beyond `size`, and
        for a `max` or `sum` that returns something else. Where an array as `first` is beyond it,
        which nobody reads, the rows are NaN.

    Notes
    -----
    JAX (in reverse mode) and PyTorch differentiate losses and the functions of `special`. The
    derivatives are those of the one loss with respect to the local arrays, not of the sum of the
    copies that the devices have. No collective is differentiated. Second derivatives are refused:
    use `hessian_vector_product`. MLX refuses first ones, too, and for TensorFlow and Paddle losses
    are constants: use `loss_and_gradient`.

    Parts have to cover all classes, each class once, and `size` and labels have to be the same on
    every device. That is not checked: something would have to be sent for it.

    Examples
    --------
    Two devices with two and one of three classes; here threads stand in for them.

    >>> import numpy as np
    >>> import xent_api as xa
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from threading import Barrier
    >>> barrier, sent = Barrier(2), [None, None]
    >>> def device(rank, part, first):
    ...     def over_devices(function):
    ...         def collective(value):
    ...             sent[rank] = value
    ...             barrier.wait()
    ...             found = function(*sent)
    ...             barrier.wait()
    ...             return found
    ...         return collective
    ...     shard = xa.ClassShard(
    ...         first=first, size=3, max=over_devices(np.maximum), sum=over_devices(np.add))
    ...     return xa.sparse_softmax_xent.loss(
    ...         labels=np.asarray([0, 2]), logits=part, shard=shard)
    >>> logits = np.asarray([[1.0, 0.0, 0.0], [0.0, 0.0, 40.0]])
    >>> with ThreadPoolExecutor(2) as pool:
    ...     print(*pool.map(device, [0, 1], [logits[:, :2], logits[:, 2:]], [0, 2]))
    [5.51444714e-01 8.49670851e-18] [5.51444714e-01 8.49670851e-18]
    """

    __slots__ = ("first", "max", "size", "sum")

    def __init__(
        self,
        *,
        first: int | Array,
        size: int,
        max: Collective,
        sum: Collective,
    ) -> None:
        if isinstance(first, bool) or not (isinstance(first, Integral) or hasattr(first, "dtype")):
            kind = type(first).__name__
            raise TypeError(f"`first` must be an int or a 0-d integer array; got {kind}")
        given: object = size
        if isinstance(given, bool) or not isinstance(given, Integral):
            raise TypeError(f"`size` must be an int; got {type(given).__name__}")
        if size < 1:
            raise ValueError(f"`size` must be at least 1, the number of all classes; got {size}")
        collectives: dict[str, object] = {"max": max, "sum": sum}
        for name, collective in collectives.items():
            if not callable(collective):
                kind = type(collective).__name__
                raise TypeError(f"`{name}` must be callable, a collective; got {kind}")
        self.first = int(first) if isinstance(first, Integral) else first
        self.size, self.max, self.sum = int(size), max, sum

    def __repr__(self) -> str:
        """Return the call, without the collectives."""
        return f"ClassShard(first={self.first!r}, size={self.size})"
