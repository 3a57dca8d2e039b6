"""What the service tells of itself: metrics (each defined once) and structured logs, both free of personal data."""
