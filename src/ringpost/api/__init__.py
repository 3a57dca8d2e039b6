"""The HTTP API: every operation declared once, its checks and its documentation made from the declaration."""
