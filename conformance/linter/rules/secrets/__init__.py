"""Whether passwords, tokens and keys are written where everybody can read them."""
