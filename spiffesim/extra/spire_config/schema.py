"""The keys that SPIRE knows in its configuration files, and why some of them are not simulated.

SPIRE: cmd/spire-server/cli/run/run.go (Config, serverConfig), cmd/spire-agent/cli/run/run.go (Config, agentConfig)
"""

from __future__ import annotations

from typing import Final

from spiffesim.extra.spire_config.document import Section

TOP_LEVEL: Final = {
    "server": ("server", "plugins", "telemetry", "health_checks"),
    "agent": ("agent", "plugins", "telemetry", "health_checks"),
}

_COMMON: Final = (
    "data_dir",
    "experimental",
    "log_file",
    "log_format",
    "log_level",
    "log_source_location",
    "profiling_enabled",
    "profiling_freq",
    "profiling_names",
    "profiling_port",
    "socket_path",
    "trust_domain",
)
KEYS: Final = {
    "server": (
        *_COMMON,
        "admin_ids",
        "agent_ttl",
        "audit_log_enabled",
        "bind_address",
        "bind_port",
        "ca_key_type",
        "ca_subject",
        "ca_ttl",
        "default_jwt_svid_ttl",
        "default_x509_svid_ttl",
        "disable_jwt_svids",
        "federation",
        "jwt_issuer",
        "jwt_key_type",
        "max_attested_node_info_staleness",
        "proxy_protocol_trusted_cidrs",
        "prune_attested_nodes_batch_size",
        "prune_attested_nodes_expired_for",
        "prune_tofu_nodes",
        "ratelimit",
    ),
    "agent": (
        *_COMMON,
        "admin_socket_path",
        "allow_unauthenticated_verifiers",
        "allowed_foreign_jwt_claims",
        "authorized_delegates",
        "availability_target",
        "disable_sds_api",
        "disable_workload_api",
        "insecure_bootstrap",
        "join_token",
        "join_token_file",
        "jwt_svid_cache_max_size",
        "log_selectors",
        "rebootstrap_delay",
        "rebootstrap_mode",
        "sds",
        "server_address",
        "server_port",
        "trust_bundle_format",
        "trust_bundle_path",
        "trust_bundle_spiffe_workload_api",
        "trust_bundle_unix_socket",
        "trust_bundle_url",
        "workload_x509_svid_key_type",
        "x509_svid_cache_max_size",
    ),
}
CA_SUBJECT: Final = ("common_name", "country", "organization")
PLUGIN: Final = ("enabled", "plugin_args", "plugin_checksum", "plugin_cmd", "plugin_data", "plugin_data_file")

_BOOTSTRAP: Final = "not simulated: the agent starts from the bundle that its server has"
_LOG: Final = "not simulated: there is no log, the journal holds the events"
_SDS: Final = "not simulated: there is no SDS API"
REASONS: Final = {
    "admin_socket_path": "not simulated: there are no sockets, and no admin API of an agent",
    "audit_log_enabled": _LOG,
    "bind_address": "not simulated: there are no sockets, a server is found by the name of its service",
    "data_dir": "not simulated: nothing is kept on disk",
    "disable_sds_api": _SDS,
    "federation": "not read; say it with Server.federate_with, or with the settings bundle_endpoint and federates_with",
    "health_checks": "not simulated: there are no health checks",
    "insecure_bootstrap": _BOOTSTRAP,
    "log_file": _LOG,
    "log_format": _LOG,
    "log_level": _LOG,
    "log_selectors": _LOG,
    "log_source_location": _LOG,
    "ratelimit": "not simulated: rate limits are not applied",
    "sds": _SDS,
    "socket_path": "not simulated: there are no sockets, operators call methods",
    "telemetry": "not simulated: there are no metrics",
    "trust_bundle_spiffe_workload_api": _BOOTSTRAP,
    "trust_bundle_unix_socket": _BOOTSTRAP,
    "trust_bundle_url": _BOOTSTRAP,
}


def known_section(document: Section, side: str) -> Section:
    """The section of its own in the configuration file of a server or an agent.

    Args:
        document: The file.
        side: ``server`` or ``agent``, which is also the name of the section.

    Raises:
        InvalidConfiguration: If it is missing or empty, or SPIRE does not know a key of the file or of it.
    """
    document.check_known(TOP_LEVEL[side])
    section = document.section(side)
    if not section.entries:
        raise document.place_of(side).error(f"{side} section must be configured", code="missing_key")
    section.check_known(KEYS[side])
    return section
