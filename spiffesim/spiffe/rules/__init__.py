"""What an SVID has to be: each rule with its clause, and the search for those that one document breaks.

- ``x509``, ``jwt``, ``wit``: the rules of the three standards.
- ``identifier``, ``bundle``: those of SPIFFE IDs, and of bundles and maps, in the order in which they are read.
- ``signatures``: what both kinds of token are asked about the key that signed them.
- ``spire``: a JWT-SVID as a SPIRE agent judges it.
- ``explanation``: all that is wrong with a chain of certificates which no path makes right.

Spec: X509-SVID 5, JWT-SVID 5, WIT-SVID 4 and 5
"""
