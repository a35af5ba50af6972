"""The profile ``go-spiffe``: what go-spiffe 2.8 accepts and refuses, where it differs from the letter of the standards."""
