"""Calls as people make them, each by its name in `tests/calls/table.py`: the table says what is told of it.

A scene does what the recording's story (`tests/recordings/ami/*.truth.json`) says, with real phones on a real PBX.
"""

from __future__ import annotations

from tests.real.scenes import groups, outside, phones, places, transfers
from tests.real.scenes.scene import SCENES

__all__ = ["SCENES", "groups", "outside", "phones", "places", "transfers"]
