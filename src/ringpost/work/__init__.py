"""Work that takes a while: replays of many deliveries, erasures."""
