"""The call machine: observations of one PBX in, call events out. Pure: `now` is passed in."""
