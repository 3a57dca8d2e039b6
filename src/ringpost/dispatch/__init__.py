"""Which delivery is attempted when: lanes, retries, and the shell that makes the attempts."""
