"""Ringpost: call events of a phone system, delivered signed, durably and in order."""

__version__ = "0.1.0"
