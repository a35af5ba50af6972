# %% [markdown]
# # A nested trust domain, cell by cell
#
# This script is a notebook in the percent format: Jupyter (with jupytext), VS Code, PyCharm and Spyder open it as one,
# and `python examples/nested_trust_domain.py` runs it from top to bottom. Nothing here sleeps, and nothing listens on
# a socket: a whole SPIFFE trust domain runs inside this process, under a clock of its own.

# %%
from datetime import UTC, datetime, timedelta

import spiffesim
from spiffesim.spiffe import examine_x509_svid

# %% [markdown]
# ## Build
#
# A simulation begins with one root server. Two more servers are nested in it: each gets its intermediate CA from the
# root, through an agent of the root, as SPIRE does it. Each of them serves one workload.
#
# With a `seed`, time begins at the start of 2030, and every key and serial number is the same in every run.

# %%
sim = spiffesim.Simulation("example.org", seed=7)
nested_a, nested_b = sim.root.nest("nestedA"), sim.root.nest("nestedB")
a = nested_a.workload("/nestedA/workload")
b = nested_b.workload("/nestedB/workload")

# %% [markdown]
# ## Look
#
# The last expression of a cell is what it shows, and a simulation draws itself. In a terminal, print its tree.

# %%
sim

# %%
print(sim.tree())

# %% [markdown]
# ## Fetch
#
# The methods of a workload are the SPIFFE Workload API. `fetch_x509_svid` returns a real X.509 certificate with its
# chain and its private key. The chain ends below the root: the root itself is in the bundle, which everybody has
# already.

# %%
svid = a.fetch_x509_svid()
svid

# %%
bundle = a.fetch_x509_bundles().get("example.org")
assert bundle is not None
bundle

# %% [markdown]
# No certificate outlives the one that signed it, and the leaf is much shorter-lived than its CA.

# %%
leaf, intermediate = svid.certificates
(root,) = bundle.x509_authorities
assert leaf.not_valid_after_utc <= intermediate.not_valid_after_utc <= root.not_valid_after_utc
assert leaf.not_valid_after_utc == datetime(2030, 1, 1, 1, tzinfo=UTC)

# %% [markdown]
# ## Validate
#
# The workload on the other branch has never heard of this one. It has the root's bundle, and that is enough.

# %%
b.validate_x509_svid(svid)

# %% [markdown]
# The same with tokens: the nested servers publish their JWT keys up to the root, and every server of the trust domain
# learns them.

# %%
token = a.fetch_jwt_svid(audience="nested-test")
token

# %%
accepted = b.validate_jwt_svid(token, audience="nested-test")
assert str(accepted.spiffe_id) == "spiffe://example.org/nestedA/workload"
accepted.claims

# %% [markdown]
# ## Advance
#
# Two hours pass. The agent of `nestedA` has renewed the SVID of its workload in the meantime, so a *new* fetch is
# fine. The one that we kept is not.

# %%
sim.advance(hours=2)
renewed = a.fetch_x509_svid()
assert renewed != svid
b.validate_x509_svid(renewed)

# %%
expired: spiffesim.errors.Expired | None = None
try:
    b.validate_x509_svid(svid)
except spiffesim.errors.Expired as error:
    expired = error
assert expired is not None
assert expired.at - expired.not_after == timedelta(hours=1)
print(expired)

# %% [markdown]
# ## Why not?
#
# `validate_*` returns or raises; `examine_*` never raises, and tells every rule with the section of the standard that
# it comes from. Suppose that somebody on the branch of `nestedA` would like to be the workload of `nestedB`, and
# writes that name into the certificate.

# %%
forged = renewed.chain[0].replace(b"/nestedA/workload", b"/nestedB/workload")
verdict = examine_x509_svid([forged, *renewed.chain[1:]], bundle, at=sim.now)
verdict

# %%
assert [failure.name for failure in verdict.failures] == ["signature"]
print(verdict.failures[0].detail)

# %% [markdown]
# A stranger from another trust domain fails earlier: there is no bundle to judge it by, and there is never a pool of
# all roots.

# %%
stranger = sim.add_trust_domain("other.test").workload("/nestedA/workload")
foreign = examine_x509_svid(stranger.fetch_x509_svid(), bundle, at=sim.now)
assert [failure.name for failure in foreign.failures] == ["trust_domain"]
foreign

# %% [markdown]
# ## Any depth
#
# Nesting goes on as long as you like. Thirty servers below each other cost some milliseconds, and the chain is as long
# as the tree is deep.

# %%
server = nested_b
for level in range(2, 31):
    server = server.nest(f"level{level}")
deepest = server.workload("/deepest")
chain = deepest.fetch_x509_svid()
assert len(chain.chain) == 31
a.validate_x509_svid(chain)

# %%
sim
