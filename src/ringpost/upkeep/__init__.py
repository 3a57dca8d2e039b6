"""What the service does for itself over time: forgetting what is old, watching its disk."""
