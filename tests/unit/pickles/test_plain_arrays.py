"""Plain arrays are recognized for what they are, and nothing else is taken for one."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mfwb import pickles
from mfwb.pickles import find_plain_array
from mfwb.pickles.allowlist import ARRAYS, PLAIN
from mfwb.pickles.buffers import open_without_data
from mfwb.pickles.limits import check_limits
from mfwb.pickles.preflight import Preflight

_TYPES = st.sampled_from(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"])
_SHAPES = arrays.array_shapes(min_dims=0, max_dims=6, max_side=5)
_ARRAYS = _TYPES.flatmap(lambda code: arrays.arrays(np.dtype(code), _SHAPES))
_PROTOCOL = 4  # Metaflow's


def _is_same(found: Any, real: Any) -> bool:
    """Whether numbers are equal, of equal types, and a NaN is a NaN."""
    return repr(found) == repr(real)


@given(_ARRAYS)
def test_arrays(array: Any) -> None:
    """The numbers, the shape and the type are numpy's."""
    found = find_plain_array(pickle.dumps(array, _PROTOCOL))

    assert found is not None
    assert (found.shape, found.ndim, found.size) == (array.shape, array.ndim, array.size)
    assert (str(found.dtype), found.dtype.kind) == (str(array.dtype), array.dtype.kind)
    assert found.dtype.itemsize == array.dtype.itemsize
    assert _is_same(found.tolist(), array.tolist())
    assert bytes(found.data) == array.tobytes()


@given(_ARRAYS.map(lambda array: array.reshape(-1)[0]))
def test_scalars(scalar: Any) -> None:
    """A scalar has no lengths, and is Python's number."""
    found = find_plain_array(pickle.dumps(scalar, _PROTOCOL))

    assert found is not None
    assert (found.shape, str(found.dtype)) == ((), str(scalar.dtype))
    assert _is_same(found.item(), scalar.item())
    assert _is_same(found.tolist(), scalar.item())


@pytest.mark.parametrize("size", [255, 256, 65_490, 65_536, 65_537, 5_000_000])
def test_sizes(size: int) -> None:
    """Python's pickler writes short, long, and large data in three ways."""
    array = np.arange(size, dtype="u1")

    found = find_plain_array(pickle.dumps(array, _PROTOCOL))

    assert found is not None
    assert found.data == array.data


def test_many_dimensions_and_other_strides() -> None:
    """As many as there can be; and a pickle has the numbers in their order."""
    array = np.arange(2**15, dtype="i4").reshape((2,) * 15)[::-1]

    found = find_plain_array(pickle.dumps(array, _PROTOCOL))

    assert found is not None
    assert found.tolist() == array.tolist()


@pytest.mark.parametrize("module", ["numpy._core.multiarray", "numpy.core.multiarray"])
@pytest.mark.parametrize("value", [np.arange(3.0), np.float32(2)])
def test_names(module: str, value: Any) -> None:
    """They are those that unpickling with stand-ins finds, of the old and the new numpy."""
    data = _of_module(pickle.dumps(value, _PROTOCOL), module)
    found = find_plain_array(data)
    forged = b"\x80\x04" + data[11:]  # not as numpy writes it, since there is no frame

    assert found is not None
    assert find_plain_array(forged) is None
    assert found.names == pickles.read_mentions(forged).names
    assert pickles.read_mentions(data) == pickles.read_mentions(forged)


def _of_module(data: bytes, module: str) -> bytes:
    """Return a pickle as another version of numpy writes it."""
    old = b"numpy._core.multiarray"
    name = module.encode()
    renamed = data[11:].replace(bytes([len(old)]) + old, bytes([len(name)]) + name)
    return data[:3] + len(renamed).to_bytes(8, "little") + renamed


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((2, 3), order="F"),
        np.zeros(0),
        np.zeros((2, 0)),
        np.arange(3, dtype=">f8"),
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array([None]),
        np.array([1j]),
        np.zeros(2, "f2"),
        np.zeros(2, np.longdouble),
        np.zeros(2, "M8[s]"),
        np.zeros(2, "i4,f8"),
        np.ma.array([1], mask=[True]),
        np.str_("text"),
        np.datetime64("2020-01-01"),
        np.complex128(1),
        [np.arange(3)],
        {"a": np.float64(1)},
        1.5,
        "text",
        b"bytes",
    ],
    ids=repr,
)
def test_others(value: Any) -> None:
    """They are loaded, as far as that is safe."""
    assert find_plain_array(pickle.dumps(value, _PROTOCOL)) is None


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 5])
def test_other_protocols(protocol: int) -> None:
    """Metaflow pickles with protocol 4."""
    assert find_plain_array(pickle.dumps(np.arange(3), protocol)) is None


@given(
    array=_ARRAYS,
    is_scalar=st.booleans(),
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    how=st.sampled_from(["change", "insert", "remove", "cut", "append"]),
)
def test_a_changed_pickle_is_another_array_or_none(
    array: Any, *, is_scalar: bool, place: float, byte: int, how: str
) -> None:
    """What is recognized is what the pickle is when it is really loaded."""
    data = pickle.dumps(array.reshape(-1)[0] if is_scalar else array, _PROTOCOL)
    index = int(place * len(data))
    changed = {
        "change": data[:index] + bytes([byte]) + data[index + 1 :],
        "insert": data[:index] + bytes([byte]) + data[index:],
        "remove": data[:index] + data[index + 1 :],
        "cut": data[:index],
        "append": data + bytes([byte]),
    }[how]

    found = find_plain_array(changed)

    if found is not None:
        check_limits(changed, calls=True)
        Preflight(open_without_data(changed), {**PLAIN, **ARRAYS}, ()).load()
        real = pickle.loads(changed)
        assert (found.shape, str(found.dtype)) == (real.shape, str(real.dtype))
        assert _is_same(found.tolist(), real.tolist())


@pytest.mark.parametrize("lie", ["shape", "frame", "order"])
def test_lies(lie: str) -> None:
    """A shape of more numbers than there are, a wrong frame, bytes in another order."""
    data = pickle.dumps(np.arange(3.0), _PROTOCOL)
    old, new = {
        "shape": (b"K\x03\x85", b"K\x04\x85"),
        "frame": (data[3:5], b"\xff\x00"),
        "order": (b"\x8c\x01<", b"\x8c\x01|"),
    }[lie]

    assert find_plain_array(data.replace(old, new, 1)) is None
