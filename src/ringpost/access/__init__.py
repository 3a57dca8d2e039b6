"""Who may do what, and how secrets are kept: API keys and roles, one-time sign-in, sealing at rest."""
