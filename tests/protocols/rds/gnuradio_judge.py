"""A program of its own, run by the Python that GNU Radio is installed for: its RDS blocks judge our signal.

    receive RATE   samples (float32, native order) on standard input -> one JSON object: groups, and what radios show
    decode         bits (bytes 0 and 1) on standard input -> the same
    encode         nothing -> bits of a station that gr-rds makes (bytes 0 and 1) on standard output

Nothing of this repository is imported here.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
import time
from array import array
from typing import Any

gr: Any = importlib.import_module("gnuradio.gr")
blocks: Any = importlib.import_module("gnuradio.blocks")
filters: Any = importlib.import_module("gnuradio.filter")
firdes: Any = importlib.import_module("gnuradio.filter").firdes
digital: Any = importlib.import_module("gnuradio.digital")
analog: Any = importlib.import_module("gnuradio.analog")
pmt: Any = importlib.import_module("pmt")
rds: Any = importlib.import_module("rds")

STEP_RATE = 19_000  # eight samples a half-bit
SHOWN_WAIT_S = 0.5  # the parser works in a thread of its own
ENCODED_BITS = 104 * 200


class Messages(gr.basic_block):  # type: ignore[misc]
    """Keeps what another block tells."""

    def __init__(self) -> None:
        gr.basic_block.__init__(self, name="messages", in_sig=None, out_sig=None)
        self.told: list[Any] = []
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self.take)

    def take(self, message: Any) -> None:
        """One message."""
        self.told.append(message)


def demodulated(samples: list[float], rate: int) -> list[int]:
    """The chain that gr-rds comes with: mix, halve the band, manchester matched filter, symbol clock, Costas loop."""
    decimation = rate // STEP_RATE
    mixed = filters.freq_xlating_fir_filter_fcf(decimation, firdes.low_pass(2500.0, rate, 2.4e3, 2e3), 57_000, rate)
    common = math.gcd(STEP_RATE * decimation, rate)
    resampled = filters.rational_resampler_ccc(STEP_RATE * decimation // common, rate // common)
    cosine = list(firdes.root_raised_cosine(1, STEP_RATE, STEP_RATE / 8, 1, 151))
    manchester = [one - two for one, two in zip([*cosine, *[0] * 8], [*[0] * 8, *cosine], strict=True)]
    gain = analog.agc_cc(2e-3, 0.585, 53)
    gain.set_max_gain(1000)
    two_phases = digital.constellation_bpsk().base()
    symbols = digital.symbol_sync_cc(
        digital.TED_ZERO_CROSSING, 16, 0.01, 1, 1, 0.1, 1, two_phases, digital.IR_MMSE_8TAP, 128, []
    )
    carrier = digital.constellation_receiver_cb(two_phases, 2 * math.pi / 100, -0.002, 0.002)
    bits = blocks.vector_sink_b()
    flow = gr.top_block()
    source = blocks.vector_source_f(samples)
    chain = (source, mixed, resampled, filters.fir_filter_ccc(1, manchester), gain, symbols, carrier)
    flow.connect(*chain, digital.diff_decoder_bb(2), bits)
    flow.run()
    return list(bits.data())


def decoded(bits: list[int]) -> dict[str, list[Any]]:
    """Groups as 16 hexadecimal digits, and what a radio shows of them as pairs of kind and text."""
    flow, groups, shown = gr.top_block(), Messages(), Messages()
    source, decoder, parser = blocks.vector_source_b(bits), rds.decoder(False, False), rds.parser(False, False, 0)
    flow.connect(source, decoder)
    flow.msg_connect(decoder, "out", groups, "in")
    flow.msg_connect(decoder, "out", parser, "in")
    flow.msg_connect(parser, "out", shown, "in")
    flow.run()
    time.sleep(SHOWN_WAIT_S)
    words = [bytes(pmt.u8vector_elements(pmt.cdr(each)))[:8].hex().upper() for each in groups.told]
    texts = [[int(kind), str(text)] for kind, text in map(pmt.to_python, shown.told)]
    return {"groups": words, "shown": texts}


def encoded() -> bytes:
    """A station of gr-rds's own."""
    flow, bits = gr.top_block(), blocks.vector_sink_b()
    station = rds.encoder(0, 14, True, "JUDGE FM", 98.5, True, False, 8, 1, 0x23, "HEARD BY ANOTHER DECODER")
    flow.connect(station, blocks.head(1, ENCODED_BITS), bits)
    flow.run()
    return bytes(bits.data())


def main() -> None:
    """One job."""
    if sys.argv[1] == "encode":
        sys.stdout.buffer.write(encoded())
        return
    data = sys.stdin.buffer.read()
    samples = array("f")
    if sys.argv[1] == "receive":
        samples.frombytes(data)
    bits = demodulated(samples.tolist(), int(sys.argv[2])) if sys.argv[1] == "receive" else list(data)
    print(json.dumps(decoded(bits)))


if __name__ == "__main__":
    main()
