"""How an OPC UA connection is secured: what is asked for, what a server offers, and which of that is taken; pure.

Nothing is ever taken that lies below the floor which the settings declare. The policies of before 2017 (Basic128Rsa15,
Basic256) rest on SHA-1 and are not spoken at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.crypto.security_policies import (
    SecurityPolicy,
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
    SecurityPolicyNone,
)

from batchone.kernel.errors import Refused
from batchone.machines.connect.wiring import server_of

Floor = Literal["none", "sign", "encrypt"]
_FLOORS: tuple[Floor, ...] = get_args(Floor)
_SETTINGS = ("security", "user", "password_file")
_MODES: Mapping[ua.MessageSecurityMode, Floor] = {
    ua.MessageSecurityMode.None_: "none", ua.MessageSecurityMode.Sign: "sign", ua.MessageSecurityMode.SignAndEncrypt: "encrypt",
}  # fmt: skip
_POLICIES: Mapping[str, type[SecurityPolicy]] = {
    policy.URI: policy
    for policy in (SecurityPolicyAes128Sha256RsaOaep, SecurityPolicyBasic256Sha256, SecurityPolicyAes256Sha256RsaPss)
}
"""The weakest first."""
_RANK = {uri: place for place, uri in enumerate(_POLICIES)}
_NO_POLICY = SecurityPolicyNone.URI


@dataclass(frozen=True)
class Security:
    """What the settings of a connection ask for: at least `floor`; a `user` with a password, or nobody in particular."""

    floor: Floor
    user: str = ""
    password_file: str = ""


@dataclass(frozen=True)
class Offer:
    """An endpoint of a server that can be taken. `policy` is none where nothing is signed."""

    endpoint: ua.EndpointDescription
    floor: Floor
    policy: type[SecurityPolicy] | None

    @property
    def certificate(self) -> bytes:
        """The server's own certificate in DER, without those of its authorities behind it."""
        return _first(self.endpoint.ServerCertificate or b"")


def security_of(url: str, settings: Mapping[str, str]) -> Security:
    """What the settings of a declared connection ask for; encryption where they say nothing."""
    unknown = sorted(settings.keys() - set(_SETTINGS))
    if unknown:
        raise Refused("opcua.settings", f"OPC UA has no setting {', '.join(unknown)}.", f"It has {', '.join(_SETTINGS)}.")
    if "@" in urlsplit(url).netloc:
        cure = "Say the user in the setting user, and the name of the file of the password in password_file."
        raise Refused("opcua.url", "A url says where a server is, not who connects to it.", cure)
    server_of(url)
    floor = settings.get("security", "encrypt")
    if floor not in _FLOORS:
        raise Refused("opcua.security", f"'{floor}' is no security.", f"Say one of {', '.join(_FLOORS)}.")
    user, password = settings.get("user", ""), settings.get("password_file", "")
    if bool(user) != bool(password):
        raise Refused("opcua.user", "A user comes with a password, and a password with its user.", "Say both or neither.")
    return Security(floor, user, password)


def choose(url: str, endpoints: Iterable[ua.EndpointDescription], floor: Floor) -> Offer:
    """The best endpoint that is not below the floor. `none` takes one that needs no certificate where there is one, so that
    whoever declared that has nothing to approve."""
    told = list(endpoints)
    offers = [offer for offer in map(_offer, told) if offer is not None and _at_least(offer.floor, floor)]
    if not offers:
        raise _too_little(url, told, floor)
    plain = next((offer for offer in offers if offer.floor == "none"), None)
    return plain or max(offers, key=lambda offer: (_FLOORS.index(offer.floor), _RANK[offer.endpoint.SecurityPolicyUri]))


def offered(endpoints: Iterable[ua.EndpointDescription]) -> tuple[str, ...]:
    """What a server offers, in words, each once: `encrypt with Basic256Sha256`."""
    return tuple(dict.fromkeys(_words(each) for each in endpoints))


def token_of(url: str, policies: Iterable[ua.UserTokenPolicy], channel: Offer, kind: ua.UserTokenType) -> ua.UserTokenPolicy:
    """The policy by which we say who we are. A password goes out encrypted or not at all."""
    ours = [each for each in policies if each.TokenType == kind]
    if not ours:
        taken = "users with passwords" if kind == ua.UserTokenType.UserName else "nobody without a user"
        cure = "Set user and password_file." if kind == ua.UserTokenType.Anonymous else "Leave user and password_file out."
        what = f"{url} takes {taken}." if kind == ua.UserTokenType.Anonymous else f"{url} takes no {taken}."
        raise Refused("opcua.token", what, cure)
    if kind != ua.UserTokenType.UserName:
        return ours[0]
    sound = [each for each in ours if _token_uri(each, channel) in _POLICIES]
    if sound:
        best = max(sound, key=lambda each: _RANK[_token_uri(each, channel)])
        return cast(ua.UserTokenPolicy, _with_uri(best, _token_uri(best, channel)))
    bare = [each for each in ours if _token_uri(each, channel) == _NO_POLICY]
    if bare and channel.floor == "encrypt":
        return bare[0]
    raise Refused(
        "opcua.password", f"{url} would take the password unencrypted, or encrypted in a way that is broken.",
        "Let the server offer Basic256Sha256 or better for users; the password was not sent.",
    )  # fmt: skip


def _token_uri(token: ua.UserTokenPolicy, channel: Offer) -> str:
    return str(token.SecurityPolicyUri or channel.endpoint.SecurityPolicyUri)


def _with_uri(token: ua.UserTokenPolicy, uri: str) -> Any:
    return ua.UserTokenPolicy(
        PolicyId=token.PolicyId, TokenType=token.TokenType, IssuedTokenType=token.IssuedTokenType,
        IssuerEndpointUrl=token.IssuerEndpointUrl, SecurityPolicyUri=uri,
    )  # fmt: skip


def _offer(endpoint: ua.EndpointDescription) -> Offer | None:
    floor = _MODES.get(endpoint.SecurityMode)
    if floor is None or not str(endpoint.EndpointUrl or "").startswith("opc.tcp://"):
        return None
    policy = _POLICIES.get(endpoint.SecurityPolicyUri)
    return Offer(endpoint, floor, policy) if (floor == "none") == (policy is None) and _known(endpoint) else None


def _known(endpoint: ua.EndpointDescription) -> bool:
    return endpoint.SecurityPolicyUri in _POLICIES or endpoint.SecurityPolicyUri == _NO_POLICY


def _at_least(floor: Floor, wanted: Floor) -> bool:
    return _FLOORS.index(floor) >= _FLOORS.index(wanted)


def _words(endpoint: ua.EndpointDescription) -> str:
    floor = _MODES.get(endpoint.SecurityMode, "none")
    if floor == "none":
        return "none"
    policy = str(endpoint.SecurityPolicyUri).rpartition("#")[2]
    return f"{floor} with {policy}" + ("" if endpoint.SecurityPolicyUri in _POLICIES else " (not spoken: it is broken)")


def _too_little(url: str, told: Iterable[ua.EndpointDescription], floor: Floor) -> Refused:
    offers = "; ".join(offered(told)) or "nothing"
    lower = max((each.floor for each in map(_offer, told) if each), key=_FLOORS.index, default=None)
    cure = "Let the server offer Basic256Sha256 or better."
    if lower is not None:
        cure += f" To connect all the same, knowing what that means, set security: {lower}."
    what = f"{url} offers {offers}; security: {floor} is asked for."
    return Refused("opcua.insecure", what, cure, offers=offers, floor=floor, lower=lower or "")


def _first(chain: bytes) -> bytes:
    """The first certificate of a chain in DER: a sequence that tells its length in two bytes."""
    return chain[: 4 + int.from_bytes(chain[2:4], "big")] if chain[:2] == b"\x30\x82" else chain
