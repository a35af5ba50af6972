"""The rooms: one for each kind of SPIRE plugin, the Protocol for your own in its doorway.

=========================  =================================================================================
``key_manager``            where a server's keys come from: ``memory``
``upstream_authority``     who signs a server's CA: ``disk``, ``spire`` (a nested server's parent)
``node_attestor``          how an agent proves what its node is: ``join_token``, ``x509pop``, ``declared``
``workload_attestor``      how an agent finds out what a workload is: ``unix``, ``docker``, ``k8s``, ``declared``
``inspection``             what a server asks of a CA that was minted for it elsewhere
``catalog``                the plugins that SPIRE has, and which of them are simulated
``testing``                conformance suites for plugins of your own
=========================  =================================================================================
"""
