"""The same cases through several validators, and where these disagree."""
