"""Steps are inspected once, and Beam gets the same answers."""

import apache_beam as beam
from apache_beam.coders import VarIntCoder
from apache_beam.transforms import userstate
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec

from pipeline.local.beam_steps import inspect_steps_once

SEEN = beam.DoFn.StateParam(ReadModifyWriteStateSpec("seen", VarIntCoder()))


class Counting(beam.DoFn):
    def process(self, element, seen=SEEN):
        seen.write((seen.read() or 0) + 1)
        yield element[0], seen.read()


class Plain(beam.DoFn):
    def process(self, element):
        yield element


def test_a_step_is_inspected_once(monkeypatch):
    asked = []
    inspect = userstate.get_dofn_specs
    monkeypatch.setattr(
        userstate, "get_dofn_specs", lambda step: asked.append(step) or inspect(step)
    )
    inspect_steps_once()
    counting, plain = Counting(), Plain()
    for _ in range(3):
        assert userstate.is_stateful_dofn(counting)
        assert not userstate.is_stateful_dofn(plain)
    assert asked == [counting, plain]
