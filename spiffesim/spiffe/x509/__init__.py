"""X.509, as far as SPIFFE needs it: certificates read strictly from DER, and paths between them.

- ``der``, ``fields``, ``extensions``, ``certificate``: what a certificate says.
- ``pem``, ``privatekey``: how certificates and keys travel; ``limits``: how much of them is read.
- ``problems``: what one certificate breaks on its own.
- ``publickey``: which keys may sign, and which a leaf may have.
- ``algorithms``, ``edges``, ``constraints``, ``path``: whose signature a certificate carries, and where that leads.

Spec: RFC 5280
"""
