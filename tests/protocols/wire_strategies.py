"""Values that several protocols carry, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from protocols import adapter
from protocols.codes import EbmId, ResourceCode
from protocols.signature import SignatureBlock


def digits(size: int) -> st.SearchStrategy[str]:
    """Exactly `size` decimal digits."""
    return st.text("0123456789", min_size=size, max_size=size)


byte = st.integers(0, 255)
u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
resource_codes = digits(23).map(ResourceCode)
ebm_ids = digits(35).map(EbmId)
event_types = st.text("01ABCZ", min_size=5, max_size=5)
phys = st.binary(min_size=6, max_size=6).map(lambda data: data.hex().upper())
texts = st.text(st.characters(codec="utf-8"), max_size=20)
ipv4 = st.tuples(byte, byte, byte, byte).map(lambda parts: ".".join(map(str, parts)))
telephones = st.text("0123456789", max_size=11)
signatures = st.builds(
    SignatureBlock, u32, st.binary(min_size=6, max_size=6), st.binary(min_size=64, max_size=64).filter(any)
)


def several(
    item: st.SearchStrategy[adapter.Auxiliary] | st.SearchStrategy[object], most: int = 3
) -> st.SearchStrategy[tuple]:  # type: ignore[type-arg]
    """A short tuple."""
    return st.lists(item, max_size=most).map(tuple)


auxiliary = st.builds(adapter.Auxiliary, byte, st.binary(max_size=40))
certificates = (several(st.binary(max_size=90), 2), several(st.binary(max_size=150), 2))
