"""Any content of any packet type."""

from __future__ import annotations

from hypothesis import strategies as st

from protocols.fm import configuration, daily, emergency
from protocols.fm.fields import Action, Switch
from protocols.fm.packet import Content, Unknown
from tests.protocols.wire_strategies import byte, ebm_ids, event_types, resource_codes

frequencies = st.integers(0, 999_999).map(lambda number: 10 * number)
actions, switches = st.sampled_from(Action), st.sampled_from(Switch)
volumes = st.integers(0, 100) | st.just(255)
one_length = st.integers(1, 255).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=4)
)
own_lengths = st.lists(st.integers(1, 255), min_size=2, max_size=4).filter(
    lambda sizes: 1 + sum(sizes) + len(sizes) != 2 + len(sizes) * sizes[0]  # else they read as one length
)
entries = st.builds(configuration.ScanEntry, st.integers(1, 255), byte, frequencies)

contents: st.SearchStrategy[Content | Unknown] = st.one_of(
    st.lists(entries, max_size=20).map(lambda each: configuration.ScanList(tuple(each))),
    st.builds(configuration.SetCode, st.binary(max_size=255), resource_codes),
    st.builds(configuration.Maintenance, st.booleans(), st.integers(0, 0xFFFF)),
    st.builds(configuration.Clock, st.integers(0, 0xFFFF), byte, byte, byte, byte, byte),
    st.builds(configuration.ReturnAddress, byte, st.binary(max_size=255)),
    st.builds(configuration.ReturnPeriod, st.integers(1, 0xFFFFFFFF)),
    st.binary(max_size=300).map(configuration.Authorisation),
    one_length.map(lambda items: configuration.Certificates(tuple(items))),
    own_lengths.map(lambda sizes: configuration.Certificates(tuple(map(bytes, sizes)), each_sized=True)),
    st.lists(byte, max_size=255).map(lambda ids: configuration.Query(tuple(ids))),
    st.builds(emergency.Emergency, actions, switches, st.integers(1, 4), event_types, ebm_ids, frequencies),
    st.builds(emergency.Reset, switches, frequencies, st.integers(0, 15)),
    st.builds(emergency.FactoryReset, st.integers(0, 63)),
    st.builds(
        emergency.Drill, st.sampled_from(emergency.DrillKind), st.sampled_from(emergency.DrillOperation), ebm_ids
    ),
    st.builds(emergency.Text, st.sampled_from(emergency.TextKind), st.integers(0, 4), ebm_ids, st.binary(max_size=255)),
    st.builds(daily.Alive, byte, byte),
    st.builds(daily.Daily, actions, switches, ebm_ids, frequencies, volumes),
    st.builds(daily.DailyVolume, volumes, byte),
    st.builds(daily.Amplifier, st.sampled_from(daily.AmplifierState)),
    st.builds(Unknown, st.sampled_from([9, 10, *range(16, 21), *range(25, 32)]), st.binary(max_size=300)),
)
