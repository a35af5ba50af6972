"""Named streams, and the keys drawn from them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.x509 import SubjectKeyIdentifier

from spiffesim.errors import InvalidInput
from spiffesim.keys import KEY_TYPES, Draw, Key, check_key_type
from spiffesim.primes import PAIRS
from spiffesim.randomness import Randomness
from tests.oracles import tokens
from tests.unit.test_randomness import Extreme, stream

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P384_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
DER = serialization.Encoding.DER


def spki_of(public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return public_key.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


# Elliptic-curve keys


def test_a_key_of_zero_is_never_drawn() -> None:
    for key_type in ("ec-p256", "ec-p384"):
        numbers = Key(Extreme(0), "k", 0, key_type).private_key.private_numbers()
        assert isinstance(numbers, ec.EllipticCurvePrivateNumbers)
        assert numbers.private_value == 1


def test_the_occurrences_of_a_name_are_one_draw_after_another() -> None:
    randomness = Randomness(1)
    first, second = Draw.next(randomness, "a"), Draw.next(randomness, "a")
    assert (first.counter, second.counter) == (0, 1)
    assert first.serial == randomness.serial("serial a", 0)
    assert second.serial == randomness.serial("serial a", 1)
    assert second.key().pkcs8 == Key(randomness, "key a", 1).pkcs8
    assert second.key("ec-p384").type == "ec-p384"


@pytest.mark.parametrize(
    ("key_type", "curve", "order"),
    [("ec-p256", ec.SECP256R1(), P256_ORDER), ("ec-p384", ec.SECP384R1(), P384_ORDER)],
)
def test_a_key_is_derived_from_its_stream(key_type: str, curve: ec.EllipticCurve, order: int) -> None:
    for counter in range(20):
        key = Key(Randomness("seed"), "k", counter, key_type)
        # 64 bits more than the order has, as FIPS 186-5 A.2.1 wants.
        scalar = int.from_bytes(stream("seed", "k", counter, (order.bit_length() + 71) // 8), "big") % (order - 1) + 1
        oracle = ec.derive_private_key(scalar, curve)
        assert key.private_key.private_numbers() == oracle.private_numbers()
        assert key.spki == spki_of(oracle.public_key())
        assert key.pkcs8 == tokens.pkcs8(oracle)
        assert spki_of(key.public_key) == key.spki


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_what_a_key_writes_is_what_cryptography_writes(key_type: str) -> None:
    key = Key(Randomness(5), "k", 0, key_type)
    assert key.spki == spki_of(key.public_key)
    assert key.pkcs8 == tokens.pkcs8(key.private_key)
    assert key.key_id == SubjectKeyIdentifier.from_public_key(key.public_key).digest
    assert repr(key) == f"<Key {key_type}>"


def test_a_key_is_the_same_whatever_is_read_first() -> None:
    reads: list[Callable[[Key], object]] = [lambda key: key.pkcs8, lambda key: key.key_id, lambda key: key.private_key]
    keys = [Key(Randomness(5), "k", 0) for _ in reads]
    for key, read in zip(keys, reads, strict=True):
        read(key)
    assert len({(key.pkcs8, key.spki, key.key_id) for key in keys}) == 1


def test_a_key_is_drawn_once() -> None:
    key = Key(Randomness(5), "k", 0)
    assert key.private_key is key.private_key
    assert key.spki is key.spki


def test_nobody_pays_for_a_key_that_nobody_looks_at() -> None:
    script = (
        "import sys; from spiffesim.keys import Draw, Key; from spiffesim.randomness import Randomness;"
        "Draw.next(Randomness(1), 'a').key(); Key(Randomness(1), 'k', 0, 'rsa-2048');"
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# Signatures


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_signature_verifies_and_is_the_same_each_time(key_type: str) -> None:
    key = Key(Randomness(6), "k", 0, key_type)
    signature = key.sign(b"data")
    assert signature == Key(Randomness(6), "k", 0, key_type).sign(b"data") != key.sign(b"other")
    public = key.public_key
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, b"data", padding.PKCS1v15(), hashes.SHA256())
    else:
        public.verify(signature, b"data", ec.ECDSA(hashes.SHA256() if key_type == "ec-p256" else hashes.SHA384()))


def test_ecdsa_is_that_of_rfc_6979() -> None:
    # RFC 6979 A.2.5, P-256 with SHA-256, message "sample".
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = Key.foreign(ec.derive_private_key(scalar, ec.SECP256R1()))
    r = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    body = b"".join(b"\x02\x21\x00" + number.to_bytes(32, "big") for number in (r, s))
    assert key.sign(b"sample") == b"\x30" + bytes([len(body)]) + body


# RSA keys


@pytest.mark.parametrize("bits", [2048, 4096])
def test_an_rsa_key_is_one_that_openssl_takes_after_all_checks(bits: int) -> None:
    key = Key(Randomness(8), "k", 0, f"rsa-{bits}")
    loaded = serialization.load_der_private_key(key.pkcs8, None)  # this checks primes and exponents
    assert isinstance(loaded, rsa.RSAPrivateKey)
    assert (loaded.key_size, loaded.public_key().public_numbers().e) == (bits, 65537)
    assert loaded.private_numbers() == key.private_key.private_numbers()


def test_a_pair_that_the_world_has_used_gives_way_to_the_next_free_one() -> None:
    randomness = Randomness(8)
    drawn = Randomness(8).rsa_pair("k", 0, 2048)
    assert [randomness.rsa_pair("k", 0, 2048) for _ in range(3)] == [drawn, (drawn + 1) % PAIRS, (drawn + 2) % PAIRS]
    # Another size is another pool.
    assert randomness.rsa_pair("k", 0, 4096) == Randomness(8).rsa_pair("k", 0, 4096)
    first, second = (Key(Randomness(8), "k", 0, "rsa-2048") for _ in range(2))
    assert first.spki == second.spki  # two worlds
    shared = Randomness(8)
    assert len({Key(shared, "k", 0, "rsa-2048").spki for _ in range(3)}) == 3  # one world


def test_the_search_for_a_free_pair_goes_round() -> None:
    full = Randomness(8)
    drawn = [full.rsa_pair("k", counter, 2048) for counter in range(PAIRS)]
    assert sorted(drawn) == list(range(PAIRS))


def test_a_world_that_has_used_all_pairs_says_so() -> None:
    randomness = Randomness(8)
    randomness.rsa_pair("k", 0, 2048)  # this one is free
    randomness._rsa_pairs[2048] = set(range(PAIRS))
    with pytest.raises(InvalidInput) as caught:
        randomness.rsa_pair("k", 0, 2048)
    assert str(caught.value) == (
        "this world already holds 32640 keys of type rsa-2048, all that the packaged primes give; "
        "use ec-p256 for the rest"
    )
    assert (caught.value.code, caught.value.bits) == ("rsa_pool_exhausted", 2048)
    randomness.rsa_pair("k", 0, 4096)  # there are others


# Types


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_key_type_is_read_in_any_case(key_type: str) -> None:
    assert check_key_type(key_type.upper()) == check_key_type(key_type) == key_type


@pytest.mark.parametrize("key_type", ["ec-p521", "rsa-3072", "", "EC_P256", " ec-p256", None, 256])
def test_an_unknown_key_type_is_refused_in_spires_words(key_type: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_key_type(key_type)  # type: ignore[arg-type]  # that is the point
    assert str(caught.value) == (
        f'key type "{key_type}" is unknown; must be one of [rsa-2048, rsa-4096, ec-p256, ec-p384]'
    )
    assert (caught.value.code, caught.value.key_type) == ("key_type", key_type)


# Keys that were made elsewhere

FOREIGN: dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
    "ec-p256": ec.derive_private_key(11, ec.SECP256R1()),
    "ec-p384": ec.derive_private_key(11, ec.SECP384R1()),
    "ec-p521": ec.derive_private_key(11, ec.SECP521R1()),
    "rsa-3072": tokens.rsa_key(3072),
}


@pytest.mark.parametrize("key_type", FOREIGN)
def test_a_foreign_key_is_taken_as_it_is(key_type: str) -> None:
    private_key = FOREIGN[key_type]
    key = Key.foreign(private_key)
    assert key.type == key_type
    assert key.private_key is private_key
    assert key.pkcs8 == tokens.pkcs8(private_key)
    assert key.spki == spki_of(private_key.public_key())
    assert key.key_id == SubjectKeyIdentifier.from_public_key(private_key.public_key()).digest
    signature = key.sign(b"data")
    if isinstance(private_key, rsa.RSAPrivateKey):
        private_key.public_key().verify(signature, b"data", padding.PKCS1v15(), hashes.SHA256())
    else:
        digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "521": hashes.SHA512()}[key_type[-3:]]
        private_key.public_key().verify(signature, b"data", ec.ECDSA(digest))


@pytest.mark.parametrize(
    ("private_key", "name"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "brainpoolP256r1"),
        (rsa.generate_private_key(65537, 1024), "rsa-1024"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519PrivateKey"),
        (dsa.generate_private_key(1024), "DSAPrivateKey"),
        ("a text", "str"),
    ],
)
def test_a_key_that_cannot_sign_as_a_ca_is_refused(private_key: object, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Key.foreign(private_key)  # type: ignore[arg-type]  # that is the point
    assert str(caught.value) == (
        f"a key of type {name} cannot sign here; use RSA of 2048 bits or more, or P-256, P-384 or P-521"
    )
    assert (caught.value.code, caught.value.key_type) == ("key_type", name)


# Pickling


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_key_pickles_whether_it_was_drawn_or_not(key_type: str) -> None:
    fresh, used = (Key(Randomness(4), "k", 0, key_type) for _ in range(2))
    signature = used.sign(b"data")
    for key in (fresh, used):
        other = pickle.loads(pickle.dumps(key))
        assert (other.type, other.pkcs8, other.sign(b"data")) == (key_type, used.pkcs8, signature)


@pytest.mark.parametrize("key_type", FOREIGN)
def test_a_foreign_key_pickles(key_type: str) -> None:
    key = Key.foreign(FOREIGN[key_type])
    other = pickle.loads(pickle.dumps(key))
    assert (other.type, other.pkcs8, other.sign(b"data")) == (key_type, key.pkcs8, key.sign(b"data"))


def test_streams_pickle_with_their_counts_and_used_pairs() -> None:
    randomness = Randomness(4)
    randomness.count("a")
    used = randomness.rsa_pair("k", 0, 2048)
    other = pickle.loads(pickle.dumps(randomness))
    assert (other.seed, other.count("a"), other.bytes("x", 0, 9)) == (4, 1, randomness.bytes("x", 0, 9))
    assert other.rsa_pair("k", 0, 2048) == (used + 1) % PAIRS
