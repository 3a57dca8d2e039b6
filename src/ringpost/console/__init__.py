"""What a person sees in a browser: signing in by a one-time link, and the inbox of the demo."""
