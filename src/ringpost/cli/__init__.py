"""The command line: every command in a module of its own, loaded when it is called."""
