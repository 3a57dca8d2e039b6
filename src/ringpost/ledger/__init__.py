"""The durable record of events, deliveries and attempts, and of what is installed.

`open_ledger` is the front door; the rooms above know the Protocol (`ledger.Ledger`) alone, never a back end.
"""
