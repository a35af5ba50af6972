"""The extras: one module for each pip extra, named like it; nothing of the core imports them.

``spire_config``
    Deployments from SPIRE's own configuration files: ``pip install 'spiffesim[spire-config]'``.
"""
