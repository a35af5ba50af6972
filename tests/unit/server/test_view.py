"""Bundles as servers and agents have them: what they take over from each other."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from spiffesim.authority import JwtAuthority
from spiffesim.errors import Refused
from spiffesim.instants import SECOND
from spiffesim.ledger import JwtElement, Ledger, X509Element
from spiffesim.server.contents import MARGIN
from spiffesim.server.view import View
from tests.unit.bundles import Root, a_view, below, jwt, key, refusal, ski, view_keys, x509
from tests.unit.keyrings import DAY, EXAMPLE_ORG, NOW, jwt_authority

# What is taken over


def test_a_new_server_counts_from_0_and_its_first_keys_are_one_change() -> None:
    # However many the server above has, and whatever was announced before.
    parent = a_view("R", keys="abc")
    parent.announce_jwt_authority(key("d"), None)
    for position in range(3):
        view = View(parent.ledger)
        view.sync_roots(parent.x509_elements)
        assert view.sequence_number == 0
        assert view.jwt_elements == []
        view.announce_jwt_authority(key(f"own{position}"), parent)
        assert view.sequence_number == 1
        assert view.jwt_elements == parent.jwt_elements
    assert jwt(parent) == "a b c d own0 own1 own2"
    assert parent.sequence_number == 7


def test_a_server_below_takes_over_what_it_has_not() -> None:
    parent, child = a_view("R", keys="a"), a_view(keys="")
    child = below(parent)
    assert (x509(child), jwt(child), child.sequence_number) == ("R", "a", 1)
    assert not child.catch_up(parent)
    parent.add_root(Root("S"))
    parent.add_jwt_authority(key("b"))
    assert (x509(child), jwt(child)) == ("R", "a")
    assert child.catch_up(parent)
    assert (x509(child), jwt(child), child.sequence_number) == ("R S", "a b", 3)


def test_an_announced_key_is_known_at_once_and_nothing_else_with_it() -> None:
    parent = a_view("R")
    child, other = below(parent), below(parent)
    parent.add_jwt_authority(key("quiet"))
    numbers = [view.sequence_number for view in (parent, child, other)]
    child.announce_jwt_authority(key("loud"), parent)
    assert [jwt(view) for view in (parent, child, other)] == ["quiet loud", "quiet loud", "loud"]
    assert [view.sequence_number for view in (parent, child, other)] == [number + 1 for number in numbers]
    assert other.catch_up(parent)
    assert not other.catch_up(parent)
    assert jwt(other) == "quiet loud"


def test_a_server_that_has_keys_already_may_announce_another() -> None:
    parent = a_view("R", keys="a")
    child = below(parent)
    parent.add_jwt_authority(key("b"))
    child.announce_jwt_authority(key("c"), parent)
    assert jwt(parent) == jwt(child) == "a b c"


def test_servers_that_take_over_the_same_share_one_log_and_others_part() -> None:
    parent = a_view("R", keys="a")
    views = [below(parent) for _ in range(4)]
    for view in views[:2]:
        view.add_jwt_authority(key("b"))
    views[2].add_jwt_authority(key("c"))
    assert [jwt(view) for view in (parent, *views)] == ["a", "a b", "a b", "a c", "a"]
    assert views[0]._log is views[1]._log is views[3]._log is not views[2]._log
    for view in views[:2]:
        view.taint_jwt("a")
    assert views[0]._log is views[1]._log
    assert views[0]._log is not parent._log
    views[3].add_jwt_authority(key("b"))
    views[3].add_jwt_authority(key("d"))
    assert jwt(views[3]) == "a b d"
    assert views[3]._log is parent._log


def test_what_was_announced_reaches_logs_that_have_it_and_those_that_have_parted() -> None:
    parent = a_view("R", keys="a")
    child = below(parent)
    child.taint_jwt("a")
    new = below(parent)
    authority = key("new")
    new.add_jwt_authority(authority)
    new.announce_jwt_authority(authority, None)
    assert [jwt(view) for view in (parent, child, new)] == ["a new", "a* new", "a new"]


def test_who_prunes_what_was_announced_shares_no_log_with_who_still_has_it() -> None:
    parent = a_view("R", keys="a")
    child = below(parent)
    parent.announce_jwt_authority(key("short", NOW), None)
    child.taint_jwt("short")
    child.revoke_jwt("short")
    parent.prune(NOW + DAY - 1)
    assert [jwt(view) for view in (parent, child)] == ["a short", "a"]
    parent.prune(NOW + DAY)
    assert jwt(parent) == "a"


def test_servers_come_together_again_once_they_hold_the_same() -> None:
    parent = a_view("R", keys="a")
    parent.add_jwt_authority(key("b", NOW))
    child = below(parent)
    parent.prune(NOW + DAY)
    assert not child.catch_up(parent)  # what is gone above stays here
    child.prune(NOW + DAY)
    parent.add_jwt_authority(key("c"))
    assert child.catch_up(parent)
    assert jwt(child) == "a c"
    assert child._log is parent._log


def test_a_bundle_that_was_lost_with_its_datastore_begins_anew() -> None:
    parent = a_view("R", keys="a")
    view = below(parent)
    view.add_wit_authority(jwt_authority("wit"))
    view.taint_x509(ski("R"))
    view.refresh_hint = 3
    parent.announce_jwt_authority(key("b"), None)
    assert view.sequence_number == 4
    view.forget()
    assert (view.exists, x509(view), jwt(view), view.wit_authorities, view.refresh_hint) == (False, "", "", [], 0)
    assert view.catch_up(parent)
    assert (x509(view), jwt(view), view.sequence_number) == ("R", "a b", 1)


# Taint and revocation


def test_a_key_tainted_above_arrives_as_a_second_one_and_stays_when_it_is_revoked_there() -> None:
    parent = a_view("R", keys="ab")
    child = below(parent)
    grandchild = below(child)
    parent.taint_jwt("a")
    for view, above in ((child, parent), (grandchild, child)):
        number = view.sequence_number
        merged = view.catch_up(above)
        assert (merged.changed, merged.tainted, merged.revoked) == (True, (), ())
        assert (jwt(view), view.sequence_number) == ("a b a*", number + 1)
    refused = ("INVALID_ARGUMENT", "it is not possible to revoke an untainted key")
    assert refusal(lambda: child.revoke_jwt("a")) == refused
    parent.revoke_jwt("a")
    assert not child.catch_up(parent)
    assert jwt(child) == "a b a*"
    agent = View(parent.ledger)
    assert agent.copy(child).tainted_jwt == ("a",)


def test_a_key_tainted_below_gets_an_untainted_twin_from_above() -> None:
    parent = a_view("R", keys="ab")
    child = below(parent)
    child.taint_jwt("a")
    parent.add_jwt_authority(key("c"))
    child.catch_up(parent)
    assert jwt(child) == "a* b a c"
    assert refusal(lambda: child.revoke_jwt("a")) == ("INTERNAL", "another key found with the same KeyID")
    assert refusal(lambda: child.taint_jwt("a")) == ("INVALID_ARGUMENT", "key is already tainted")


def test_a_key_revoked_below_comes_back_from_above() -> None:
    parent = a_view("R", keys="ab")
    child = below(parent)
    child.taint_jwt("a")
    child.revoke_jwt("a")
    assert jwt(child) == "b"
    assert child.catch_up(parent)
    assert jwt(child) == "b a"


def test_a_root_tainted_above_is_handed_over_once_and_tainted_here_by_whoever_left_it() -> None:
    parent = a_view("R", "S")
    child = below(parent)
    parent.taint_x509(ski("R"))
    number = child.sequence_number
    merged = child.catch_up(parent)
    assert (bool(merged), merged.tainted) == (False, (Root("R"),))
    assert (x509(child), child.sequence_number) == ("R S", number)
    assert child.catch_up(parent).tainted == ()  # once for the process
    child.end_process()
    assert child.catch_up(parent).tainted == (Root("R"),)  # and again for the next one
    child.taint_x509(ski("R"))
    assert not child.catch_up(parent)
    assert x509(child) == "R* S"


def test_a_root_that_is_not_known_here_arrives_with_its_taint() -> None:
    parent = a_view("R", "S")
    parent.taint_x509(ski("R"))
    child = below(parent)
    assert x509(child) == "R* S"


def test_a_tainted_root_that_is_revoked_above_is_revoked_here() -> None:
    parent = a_view("R", "S")
    child = below(parent)
    parent.taint_x509(ski("R"))
    child.catch_up(parent)
    child.taint_x509(ski("R"))
    parent.revoke_x509(ski("R"))
    number = child.sequence_number
    merged = child.catch_up(parent)
    assert (bool(merged), merged.revoked) == (True, (Root("R"),))
    assert (x509(child), child.sequence_number) == ("S", number + 1)


def test_a_root_that_is_gone_above_untainted_stays_until_it_is_pruned() -> None:
    # Also one that was tainted and revoked between two polls.
    parent = a_view("S")
    parent.add_root(Root("R", NOW))
    parent.add_root(Root("T"))
    child = below(parent)
    parent.prune(NOW + DAY)
    parent.taint_x509(ski("T"))
    parent.revoke_x509(ski("T"))
    assert not child.catch_up(parent)
    assert (x509(parent), x509(child)) == ("S", "S R T")
    child.prune(NOW + DAY)
    assert x509(child) == "S T"


def test_a_root_tainted_below_alone_gets_an_untainted_twin_from_above() -> None:
    parent = a_view("R", "S")
    child = below(parent)
    child.taint_x509(ski("R"))
    child.catch_up(parent)
    assert x509(child) == "R* S R"
    assert refusal(lambda: child.taint_x509(ski("R"))) == ("INVALID_ARGUMENT", "root CA is already tainted")
    refused = ("INVALID_ARGUMENT", "it is not possible to revoke an untainted root CA")
    assert refusal(lambda: child.revoke_x509(ski("R"))) == refused
    # A real taint above is handed over, and the root is no longer revoked together with the one above.
    parent.taint_x509(ski("R"))
    assert child.catch_up(parent).tainted == (Root("R"),)
    parent.revoke_x509(ski("R"))
    assert not child.catch_up(parent)
    assert x509(child) == "R* S R"
    # What a server below learns now is both.
    assert x509(below(child)) == "R* S R"


def test_a_root_revoked_below_alone_comes_back_from_above() -> None:
    parent = a_view("R", "S")
    child = below(parent)
    child.taint_x509(ski("R"))
    child.revoke_x509(ski("R"))
    assert child.catch_up(parent)
    assert x509(child) == "S R"


def test_a_root_that_cannot_be_revoked_holds_up_all_of_a_poll() -> None:
    # Two roots of one key, of which the later one is tainted.
    parent, child = a_view("S", keys="a"), View(Ledger(EXAMPLE_ORG))
    child.sync_roots([X509Element(Root("R")), X509Element(Root("again", key="R"), tainted=True)])
    message = (
        f'failed to revoke a tainted key "{ski("R")}": rpc error: code = InvalidArgument desc = '
        "it is not possible to revoke an untainted root CA"
    )
    assert refusal(lambda: child.catch_up(parent)) == ("INVALID_ARGUMENT", message)
    assert (x509(child), jwt(child)) == ("R again*", "")


# Pruning


def test_what_is_pruned_here_comes_back_while_it_is_still_there_above() -> None:
    parent = a_view("R", keys="a")
    parent.add_jwt_authority(key("old", NOW))
    child = below(parent)
    child.prune(NOW + DAY)
    assert jwt(child) == "a"
    number = child.sequence_number
    assert child.catch_up(parent)
    assert (jwt(child), child.sequence_number) == ("a old", number + 1)


def test_a_key_that_is_still_pending_makes_a_prune_due_too_early_at_most() -> None:
    parent = a_view("R", keys="a")
    child = below(parent)
    parent.add_jwt_authority(key("old", NOW))
    assert child.prune_due == NOW + DAY
    assert not child.prune(NOW + DAY)
    child.catch_up(parent)
    assert child.prune(NOW + DAY)


# What others see


def test_a_root_that_is_there_with_and_without_taint_is_in_the_document_once() -> None:
    view = a_view("R")
    view.taint_x509(ski("R"))
    view.sync_roots([X509Element(Root("R"))])
    assert x509(view) == "R* R"
    assert view.bundle.x509_der == (b"R",)


def test_views_that_know_the_same_keys_share_them() -> None:
    parent = a_view("R")
    views = [below(parent) for _ in range(3)]
    parent.announce_jwt_authority(key("loud"), None)
    first, second = (view.ledger.jwt_pairs(view._log, view._place) for view in views[:2])
    assert view_keys(views[0]) == ["loud"]
    assert first is second
    parent.add_jwt_authority(key("quiet"))
    assert views[2].catch_up(parent)
    assert [view_keys(view) for view in views] == [["loud"], ["loud"], ["loud", "quiet"]]


def test_an_agents_view_becomes_that_of_its_server() -> None:
    server = a_view("R", keys="a")
    server.add_wit_authority(jwt_authority("wit"))
    server.refresh_hint = 7
    agent = View(server.ledger)
    assert agent.copy(server)
    assert not agent.copy(server)
    assert (agent.roots, agent.sequence_number) == (server.roots, server.sequence_number)
    assert agent.refresh_hint == 7
    assert agent.wit_authorities == []  # those never leave the server
    server.add_jwt_authority(key("b"))
    assert agent.copy(server)
    assert jwt(agent) == "a b"


def test_an_agent_finds_each_tainted_authority_once() -> None:
    server = a_view("R", "S", keys="ab")
    agent = View(server.ledger)
    copied = agent.copy(server)
    assert (copied.tainted_x509, copied.tainted_jwt) == ((), ())
    server.taint_x509(ski("R"))
    server.taint_jwt("b")
    copied = agent.copy(server)
    assert (copied.tainted_x509, copied.tainted_jwt) == ((ski("R"),), ("b",))
    assert (x509(agent), jwt(agent)) == ("R* S", "a b*")
    server.taint_x509(ski("S"))
    copied = agent.copy(server)
    assert (copied.tainted_x509, copied.tainted_jwt) == ((ski("S"),), ())
    agent.end_process()
    copied = agent.copy(server)
    assert (bool(copied), copied.tainted_x509, copied.tainted_jwt) == (False, (ski("R"), ski("S")), ("b",))


def test_a_way_to_the_top_is_remembered_for_an_instant_and_until_one_closes() -> None:
    view = View(Ledger(EXAMPLE_ORG))
    assert not view.reaches_top(NOW)
    view.mark_reaching_top(NOW)
    assert view.reaches_top(NOW)
    assert not view.reaches_top(NOW + 1)
    view.ledger.closures += 1
    assert not view.reaches_top(NOW)


def test_views_pickle_together_with_their_ledger() -> None:
    parent = a_view("R", keys="abc")
    child = below(parent)
    child.taint_jwt("b")
    parent.announce_jwt_authority(key("loud"), None)
    again, below_it = pickle.loads(pickle.dumps((parent, child)))
    assert again.ledger is below_it.ledger
    for view, twin in ((parent, again), (child, below_it)):
        assert (x509(view), jwt(view), view.bundle) == (x509(twin), jwt(twin), twin.bundle)
    again.announce_jwt_authority(key("more"), None)
    again.add_jwt_authority(key("again"))
    assert jwt(below_it) == "a b* c loud more"
    assert below_it.catch_up(again)
    assert jwt(below_it) == "a b* c loud more b again"


# A naive twin


@attrs.define
class Twin:
    """A server's bundle as lists, with SPIRE's merge."""

    x509: list[tuple[str, bool]] = attrs.Factory(list)
    jwt: list[tuple[str, bool]] = attrs.Factory(list)
    number: int = -1
    handed_over: set[str] = attrs.Factory(set)

    def append(self, kind: str, elements: list[tuple[str, bool]]) -> None:
        known = getattr(self, kind)
        missing = [element for element in elements if element not in known]
        known += missing
        self.number += bool(missing)

    def sync_roots(self, upstream: list[tuple[str, bool]]) -> list[str]:
        local, tainted, incoming = dict(self.x509), [], []
        for name, taint in upstream:
            if taint and local.get(name) is False:
                if name not in self.handed_over:
                    self.handed_over.add(name)
                    tainted.append(name)
                continue
            incoming.append((name, taint))
        for name, taint in local.items():
            if taint and name not in dict(upstream):
                self.x509 = [element for element in self.x509 if element[0] != name]
                self.number += 1
        self.append("x509", incoming)
        return tainted

    def taint(self, kind: str, name: str) -> str:
        known = getattr(self, kind)
        flags = [taint for other, taint in known if other == name]
        if not flags:
            return "not found"
        if True in flags:
            return "already"
        setattr(self, kind, [(other, taint or other == name) for other, taint in known])
        self.number += 1
        return ""

    def revoke(self, kind: str, name: str) -> str:
        known = getattr(self, kind)
        flags = [taint for other, taint in known if other == name]
        if not flags:
            return "not found"
        if not flags[0] or (kind == "x509" and not all(flags)):
            return "untainted"
        if len(flags) > 1:
            return "another"
        setattr(self, kind, [element for element in known if element[0] != name])
        self.number += 1
        return ""

    def prune(self, ends: dict[str, int], last: int) -> str:
        x509 = [element for element in self.x509 if ends[element[0]] > last]
        jwt = [element for element in self.jwt if ends[element[0]] > last]
        if not x509:
            return "certificates"
        if self.jwt and not jwt:
            return "JWT"
        self.number += (x509, jwt) != (self.x509, self.jwt)
        self.x509, self.jwt = x509, jwt
        return ""


ANSWERS = {
    "no ca found with provided subject key ID": "not found",
    "no root CA found with provided subject key ID": "not found",
    "no JWT Key found with provided key ID": "not found",
    "root CA is already tainted": "already",
    "key is already tainted": "already",
    "it is not possible to revoke an untainted root CA": "untainted",
    "it is not possible to revoke an untainted key": "untainted",
    "another key found with the same KeyID": "another",
    "would prune all certificates": "certificates",
    "would prune all JWT signing keys": "JWT",
}


def answer(call: Callable[[], object]) -> str:
    try:
        call()
    except Refused as refused:
        return ANSWERS[refused.message]
    return ""


class Domain:
    """A trust domain twice: as views, and as lists."""

    def __init__(self, randomness: Iterator[int]) -> None:
        self.draw = randomness
        self.ends: dict[str, int] = {}
        self.announced: set[str] = set()
        self.parents: list[int | None] = []
        self.views: list[View] = []
        self.twins: list[Twin] = []
        self.clock = 0
        self.nest(0)

    def pick(self, count: int) -> int:
        return next(self.draw) % count

    def named(self, kind: str) -> str:
        name = f"{kind}{len(self.ends)}"
        self.ends[name] = self.clock + 1 + self.pick(6)
        return name

    def authority(self, name: str) -> JwtAuthority:
        return JwtAuthority.published(name, b"", self.ends[name] * SECOND)

    def nest(self, above: int) -> None:
        """A new server, whose key is announced."""
        view, twin = View(self.views[0].ledger if self.views else Ledger(EXAMPLE_ORG)), Twin()
        parent = above if self.views else None
        if parent is None:
            root = self.named("x")
            view.add_root(Root(root, self.ends[root] * SECOND))
            twin.append("x509", [(root, False)])
        else:
            view.sync_roots(self.views[parent].x509_elements)
            twin.sync_roots(self.twins[parent].x509)
        name = self.named("j")
        self.announced.add(name)
        view.announce_jwt_authority(self.authority(name), None if parent is None else self.views[parent])
        twin.append("jwt", [*(self.twins[parent].jwt if parent is not None else ()), (name, False)])
        for other in self.twins:
            other.append("jwt", [(name, False)])
        self.views.append(view)
        self.twins.append(twin)
        self.parents.append(parent)

    def act(self, action: int) -> None:
        number = self.pick(len(self.views))
        view, twin, parent = self.views[number], self.twins[number], self.parents[number]
        if action == 0:
            root = self.named("x")
            self.views[0].add_root(Root(root, self.ends[root] * SECOND))
            self.twins[0].append("x509", [(root, False)])
        elif action == 1:
            self.publish(number)
        elif action in (2, 3) and parent is not None:
            merged = view.catch_up(self.views[parent])
            tainted = twin.sync_roots(self.twins[parent].x509)
            twin.append("jwt", self.twins[parent].jwt)
            assert [str(root.name) for root in merged.tainted] == tainted  # type: ignore[attr-defined]  # ours
            for name in tainted if self.pick(2) else ():  # the taint worker may have given up
                assert answer(lambda name=name: view.taint_x509(ski(name))) == twin.taint("x509", name)  # type: ignore[misc]
        elif action == 4:
            self.clock += self.pick(3)
            now = self.clock * SECOND + MARGIN
            assert answer(lambda: view.prune(now)) == twin.prune(self.ends, self.clock)
        elif action >= 5:
            name = sorted(self.ends)[self.pick(len(self.ends))]
            self.mark(view, twin, name, "taint" if action < 8 else "revoke")

    def publish(self, number: int) -> None:
        """A key goes up to the top, and the lists of all on the way come back."""
        name, way = self.named("j"), [number]
        while (parent := self.parents[way[-1]]) is not None:
            way.append(parent)
        self.views[0].add_jwt_authority(self.authority(name))
        self.twins[0].append("jwt", [(name, False)])
        for above, below_it in zip(way[::-1], way[-2::-1], strict=False):
            self.views[below_it].learn_jwt_authorities(self.views[above])
            self.twins[below_it].append("jwt", self.twins[above].jwt)

    def mark(self, view: View, twin: Twin, name: str, what: str) -> None:
        kind = "x509" if name.startswith("x") else "jwt"
        argument = ski(name) if kind == "x509" else name
        assert answer(lambda: getattr(view, f"{what}_{kind}")(argument)) == getattr(twin, what)(kind, name)

    def check(self) -> None:
        for view, twin in zip(self.views, self.twins, strict=True):
            assert x509(view) == " ".join(name + "*" * taint for name, taint in twin.x509)
            assert sorted(jwt(view).split()) == sorted(name + "*" * taint for name, taint in twin.jwt)
            assert view.sequence_number == twin.number
            due = [self.ends[name] for name, _ in twin.x509 + twin.jwt]
            assert view.prune_due is not None
            assert view.prune_due <= (min(due) * SECOND + MARGIN if twin.x509 else 0)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=40), st.lists(st.integers(0, 10**6), min_size=200, max_size=200))
def test_bundles_are_what_spires_merges_make_of_them(actions: list[int], drawn: list[int]) -> None:
    domain = Domain(iter(drawn))
    for _ in range(2 + domain.pick(4)):
        domain.nest(domain.pick(len(domain.views)))
    for action in actions:
        domain.act(action)
        domain.check()
    for view, twin in zip(domain.views, domain.twins, strict=True):  # nothing was announced since: the order is SPIRE's
        assert jwt(view) == " ".join(name + "*" * taint for name, taint in twin.jwt)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=40), st.lists(st.integers(0, 10**6), min_size=250, max_size=250))
def test_a_new_server_in_between_reaches_all_bundles(actions: list[int], drawn: list[int]) -> None:
    domain = Domain(iter(drawn))
    for action in actions:
        if action < 10:
            domain.act(action)
        elif len(domain.views) < 6:
            domain.nest(domain.pick(len(domain.views)))
        domain.check()
    for view, twin in zip(domain.views, domain.twins, strict=True):
        # An announced key stands before or behind what was pending; all others are in SPIRE's order.
        ours = [(element.key_id, element.tainted) for element in view.jwt_elements]
        assert [element for element in ours if element[0] not in domain.announced] == [
            element for element in twin.jwt if element[0] not in domain.announced
        ]


def test_elements_are_values() -> None:
    authority = key("a")
    assert JwtElement(authority) == JwtElement(authority)
    assert JwtElement(authority) != JwtElement(authority, tainted=True)
    assert X509Element(Root("R")) == X509Element(Root("R"))
    assert X509Element(Root("R")) != X509Element(Root("R"), tainted=True)
