"""What a call, an event, an integration, a delivery and an outcome are: frozen Structs that every room reads.

Pure data and the rules that belong to one value alone. All times are milliseconds since the Unix epoch unless a
name says otherwise.
"""
