r"""Recorded runs: a training run in a safetensors file, written by `parity record` or by any language, and verified."""

from compare.recording.findings import Findings, findings
from compare.recording.metadata import About
from compare.recording.reading import Recording
from compare.recording.replaying import replay, scene
from compare.recording.reporting import show
from compare.recording.verification import Checked, verify_recording
from compare.recording.writing import Written, record

__all__ = [
    "About",
    "Checked",
    "Findings",
    "Recording",
    "Written",
    "findings",
    "record",
    "replay",
    "scene",
    "show",
    "verify_recording",
]
